package procfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Exe is what the contract says of a process's executable.
type Exe struct {
	Path         string // as the kernel names it, with " (deleted)" behind the name of a deleted file
	Ino          uint64
	CTime, MTime uint64 // ns since the epoch

	Writable   bool // the process could write the file, or make it writable
	UpperLayer bool // on an overlay, in the upper layer
	LowerLayer bool // on an overlay, in a lower layer
	Memfd      bool // made by memfd_create
}

// OwnProgram returns the file of the running program. Its name is what a process
// is called that is started from it.
func OwnProgram() string {
	const self = "/proc/self/exe"
	if path, err := os.Readlink(self); err == nil && unix.Access(path, unix.X_OK) == nil {
		return path
	}
	return self // deleted, or out of sight
}

// Bits of capability sets (capabilities(7)).
const (
	capDACOverride = 1
	capFowner      = 3
)

// ReadExe looks at the executable of a process: dir is its directory in /proc,
// st its status. Without the right to follow the link (that to ptrace the
// process) the result is an error; what else cannot be found out is empty.
func ReadExe(dir string, st *Status) (Exe, error) {
	link := dir + "/exe"
	path, err := os.Readlink(link)
	if err != nil {
		return Exe{}, err
	}
	e := Exe{Path: path}
	var file unix.Stat_t
	if unix.Stat(link, &file) != nil {
		return e, nil
	}
	e.Ino = file.Ino
	e.CTime = uint64(time.Unix(file.Ctim.Unix()).UnixNano())
	e.MTime = uint64(time.Unix(file.Mtim.Unix()).UnixNano())
	// A memfd is never linked into a directory; its name is made up by
	// mm/memfd.c:alloc_name.
	e.Memfd = file.Nlink == 0 && strings.HasPrefix(path, "/memfd:")
	var fs unix.Statfs_t
	readOnly := false
	if unix.Statfs(link, &fs) == nil {
		readOnly = fs.Flags&unix.ST_RDONLY != 0
		if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
			e.UpperLayer = upperLayer(dir, path, e.CTime)
			e.LowerLayer = !e.UpperLayer
		}
	}
	e.Writable = MayWrite(&file, readOnly, st)
	return e, nil
}

// MayWrite reports whether a process could write a file, or make it writable. It
// follows fs/namei.c:inode_permission for MAY_WRITE and
// fs/inode.c:inode_owner_or_capable, the two questions that the drivers ask.
// Access control lists and ids that a user namespace does not map are not
// looked at.
func MayWrite(file *unix.Stat_t, readOnly bool, st *Status) bool {
	uid, gid := st.UID[3], st.GID[3]
	if file.Uid == uid || st.CapEff>>capFowner&1 != 0 {
		return true
	}
	switch {
	case readOnly:
		return false
	case st.CapEff>>capDACOverride&1 != 0:
		return true
	case file.Gid == gid || st.inGroup(file.Gid):
		return file.Mode&0o020 != 0
	}
	return file.Mode&0o002 != 0
}

// upperLayer tells the layer of a process's file on an overlay.
func upperLayer(dir, path string, ctime uint64) bool {
	if text, err := readFile(dir+"/mountinfo", maxTable); err == nil {
		mounts, _ := ParseMountinfo(text)
		if m := mountOf(mounts, path); m != nil {
			if upper, ok := m.InUpper(dir, path); ok {
				return upper
			}
		}
	}
	start, ok := initStart(dir)
	return ok && MadeSince(ctime, start)
}

// InUpper reports whether a file on an overlay is in the upper layer; ok is false
// if the upper directory cannot be looked into. It can on the host, and where a
// process mounted the overlay itself (dir is that of the process in /proc). Inside
// a container nothing names the layer, see MadeSince.
func (m *Mount) InUpper(dir, path string) (upper, ok bool) {
	if m.Upper == "" {
		return false, false
	}
	for _, root := range []string{"", filepath.Join(dir, "root")} {
		if _, err := os.Lstat(root + m.Upper); err == nil {
			rel := filepath.Join(m.Root, strings.TrimPrefix(strings.TrimSuffix(path, deleted), m.Point))
			_, err := os.Lstat(filepath.Join(root+m.Upper, rel))
			return err == nil, true
		}
	}
	return false, false
}

// MadeSince tells the layer of a file on an overlay by times, both in ns since the
// epoch: what lies in the lower layers was unpacked before the container's init
// started, and a file's ctime cannot be set back. A file that an earlier run of
// the same container left behind is then taken for one of the image.
func MadeSince(ctime, initStart uint64) bool { return ctime >= initStart }

// deleted is what the kernel puts behind the name of a deleted file.
const deleted = " (deleted)"

// mountOf returns the overlay that a path lies on: that with the longest mount
// point, the last one where several are stacked.
func mountOf(mounts []Mount, path string) (best *Mount) {
	path = strings.TrimSuffix(path, deleted)
	for i := range mounts {
		m := &mounts[i]
		if m.Type != "overlay" || !below(path, m.Point) {
			continue
		}
		if best == nil || len(m.Point) >= len(best.Point) {
			best = m
		}
	}
	return best
}

func below(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(dir, "/"))
}

// inGroup reports whether gid is one of the supplementary groups.
func (s *Status) inGroup(gid uint32) bool {
	rest := s.Groups
	for {
		var v uint64
		var ok bool
		if v, rest, ok = cutNumber(rest); !ok {
			return false
		}
		if uint32(v) == gid {
			return true
		}
	}
}

// initStart returns when the init of a process's PID namespace started, in ns
// since the epoch: ok is false if that cannot be seen from here.
func initStart(dir string) (start uint64, ok bool) {
	proc := filepath.Dir(dir)
	ns, err := os.Readlink(dir + "/ns/pid")
	ours, err1 := os.Readlink(proc + "/self/ns/pid")
	if err == nil && err1 == nil && ns == ours {
		s, err := ReadStat(proc + "/1")
		if err != nil {
			return 0, false
		}
		return BootTime() + s.StartTime*(uint64(time.Second)/TicksPerSecond), true
	}
	// Another namespace's init is process 1 in the /proc mounted there. The
	// kernel dates its files from when they were first looked at, so this is
	// late rather than exact (libscap does the same:
	// scap_procs.c:scap_proc_fill_pidns_start_ts).
	var file unix.Stat_t
	if unix.Stat(dir+"/root/proc/1/cmdline", &file) != nil {
		return 0, false
	}
	return uint64(time.Unix(file.Ctim.Unix()).UnixNano()), true
}

// BootTime returns when the machine booted, in ns since the epoch.
func BootTime() uint64 {
	var real, boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &real) // cannot fail for these clocks
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot)
	return uint64(real.Nano() - boot.Nano())
}

// Bounds of what is read of one file.
const (
	maxSmall = 1 << 13 // files of one process with a known format
	maxTable = 1 << 22 // those with lists: status (groups), mountinfo, passwd
)

// readFile reads at most limit bytes of a file. It goes past package os, which
// makes three more system calls to find out that files below /proc can't be
// waited for: a process has a dozen of them.
func readFile(name string, limit int) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	text := make([]byte, 0, min(limit, 1<<12))
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		if err != nil {
			return text, &os.PathError{Op: "read", Path: name, Err: err}
		}
		if n == 0 {
			return text, nil
		}
		if text = text[:len(text)+n]; len(text) == cap(text) {
			if len(text) == limit {
				return text, nil
			}
			text = slices.Grow(text, min(limit-len(text), len(text)))
			text = text[:len(text):min(cap(text), limit)]
		}
	}
}
