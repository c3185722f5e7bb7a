package procfs

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// fds returns the descriptors of a process, the lowest maxFDs of them. They are
// classified as libscap does (scap_fds.c:scap_fd_scan_fd_dir).
func (s *scanner) fds(dir string) []snapshot.FD {
	list := numbers(dir+"/fd", maxFDs)
	if len(list) == 0 {
		return nil
	}
	out := make([]snapshot.FD, 0, len(list))
	for _, n := range list {
		if fd, ok := s.fd(dir, strconv.Itoa(n)); ok {
			fd.FD = int64(n)
			out = append(out, fd)
		}
	}
	return out
}

func (s *scanner) fd(dir, n string) (fd snapshot.FD, ok bool) {
	path := dir + "/fd/" + n
	link, err := os.Readlink(path)
	if err != nil {
		return fd, false
	}
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		// Some file systems refuse even root (FUSE); the name still tells.
		st.Mode = unix.S_IFREG
	}
	fd = snapshot.FD{Name: link, Ino: st.Ino}
	if name, ok := strings.CutPrefix(link, "anon_inode:"); ok {
		anonymous(&fd, name)
		return fd, true
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		if socket, ok := s.socketsOf(dir)[st.Ino]; ok {
			return socket, true
		}
		// Not bound, or of a family without a table: it may yet connect.
		fd.Type = snapshot.FDUnsupported
	case unix.S_IFIFO:
		fd.Type = snapshot.FDFifo
	case unix.S_IFDIR:
		fd.Type = snapshot.FDDir
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFCHR:
		switch {
		case strings.HasPrefix(link, "pidfd:"): // since Linux 6.9 (fs/pidfs.c)
			fd.Type, fd.Name = snapshot.FDPIDFD, ""
		case st.Nlink == 0 && strings.HasPrefix(link, "/memfd:"):
			fd.Type = snapshot.FDMemfd
		default:
			s.file(&fd, dir, n, &st)
		}
	default:
		fd.Type = snapshot.FDUnsupported
	}
	return fd, true
}

// file adds what is kept of regular files and devices. Device and inode numbers
// are the superblock's and the kernel inode's, as the drivers read them, and not
// those that stat makes up on overlay and btrfs.
func (s *scanner) file(fd *snapshot.FD, dir, n string, st *unix.Stat_t) {
	fd.Type = snapshot.FDFileV2
	fd.Dev = EncodeDev(unix.Major(st.Dev), unix.Minor(st.Dev))
	text, err := readFile(dir+"/fdinfo/"+n, maxSmall)
	var info FDInfo
	if err != nil || ParseFDInfo(text, &info) != nil {
		return
	}
	fd.Flags = uint32(s.openFlags.Convert(info.Flags))
	if info.Ino != 0 {
		fd.Ino = info.Ino
	}
	for _, m := range s.mountsOf(dir) {
		if m.ID == info.MntID {
			fd.Dev = m.Dev
			break
		}
	}
}

// kinds tells anonymous inodes by the start of their link text, the name that
// the kernel gave to anon_inode_getfd.
var kinds = [...]struct {
	prefix string
	kind   snapshot.FDType
}{
	{"[eventfd", snapshot.FDEvent},
	{"[eventpoll]", snapshot.FDEventPoll},
	{"[signalfd]", snapshot.FDSignal},
	{"[timerfd]", snapshot.FDTimer},
	{"inotify", snapshot.FDInotify},
	{"[io_uring]", snapshot.FDIOUring},
	{"[userfaultfd]", snapshot.FDUserfault},
	{"[pidfd]", snapshot.FDPIDFD},
	{"bpf", snapshot.FDBPF},
	{"btf", snapshot.FDBPF},
}

// anonymous classifies an anonymous inode. Known kinds have no name, as
// libscap has it: the kind says all.
func anonymous(fd *snapshot.FD, name string) {
	fd.Type = snapshot.FDUnsupported
	for _, k := range kinds {
		if strings.HasPrefix(name, k.prefix) {
			fd.Type, fd.Name = k.kind, ""
			return
		}
	}
}

// socketsOf returns the sockets that a process sees, read once per network
// namespace.
func (s *scanner) socketsOf(dir string) Sockets {
	ns, _ := os.Readlink(dir + "/ns/net") // "" stands for the one we see
	table, ok := s.sockets[ns]
	if !ok {
		table = ReadSockets(dir + "/net")
		s.sockets[ns] = table
	}
	return table
}

// mountsOf returns the mounts that a process sees, read once per mount
// namespace. A root directory of its own (chroot) hides some from it, which
// then keep the device that stat tells.
func (s *scanner) mountsOf(dir string) []Mount {
	ns, _ := os.Readlink(dir + "/ns/mnt")
	list, ok := s.mounts[ns]
	if !ok {
		if text, err := readFile(dir+"/mountinfo", maxTable); err == nil {
			list, _ = ParseMountinfo(text)
		}
		s.mounts[ns] = list
	}
	return list
}
