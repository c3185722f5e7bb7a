package ptrace

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
)

// Where the kernel or the tracee lets us not duplicate a descriptor, a socket is
// looked up as ss(8) and netstat(8) do: the link below /proc/PID/fd names its
// inode, and the tables below /proc/PID/net tell the rest. They lack sockets that
// are neither bound nor connected, and the queue of a listening one.

// netTables are the tables with sockets of families that have tuples.
var netTables = [...]struct {
	name  string
	proto snapshot.L4Proto
}{
	{"tcp\x00", snapshot.L4TCP}, {"tcp6\x00", snapshot.L4TCP}, {"udp\x00", snapshot.L4UDP}, {"udp6\x00", snapshot.L4UDP},
	{"raw\x00", snapshot.L4RAW}, {"raw6\x00", snapshot.L4RAW}, {"icmp\x00", snapshot.L4ICMP}, {"icmp6\x00", snapshot.L4ICMP},
}

// lookupSocket returns what the tables say of a descriptor, nil if it is no
// socket that they have.
func (d *Driver) lookupSocket(t *thread, fd int32) *sock {
	ino := d.socketInode(t, fd)
	if ino == 0 {
		return nil
	}
	if s := d.lookupUnix(t.proc, ino); s != nil {
		return s
	}
	for _, table := range &netTables {
		var found snapshot.FD
		if t.proc.netLine(table.name, ino, func(line []byte) bool {
			fd, ok := procfs.ParseInetSocket(line, table.proto)
			found = fd
			return ok && fd.Ino == ino
		}) {
			return inetSock(&found)
		}
	}
	return nil
}

// socketInode returns the inode number of a socket, 0 if the descriptor is none.
func (d *Driver) socketInode(t *thread, fd int32) uint64 {
	var link [64]byte
	n, e := t.proc.link(d.fdName(t, int64(fd)), link[:])
	if e != 0 {
		return 0
	}
	text, ok := bytes.CutPrefix(link[:n], []byte("socket:["))
	text, ok1 := bytes.CutSuffix(text, []byte("]"))
	ino, err := strconv.ParseUint(string(text), 10, 64)
	if !ok || !ok1 || err != nil {
		return 0
	}
	return ino
}

// inetSock takes the ends of an internet socket out of a table's line.
func inetSock(fd *snapshot.FD) *sock {
	s := &sock{family: unix.AF_INET, ino: fd.Ino}
	if len(fd.SrcIP) == 16 {
		s.family = unix.AF_INET6
	}
	copy(s.local.ip[:], fd.SrcIP)
	copy(s.remote.ip[:], fd.DstIP)
	s.local.port, s.remote.port = fd.SrcPort, fd.DstPort
	return s
}

// lookupUnix returns a Unix socket and what sock_diag says of its peer.
func (d *Driver) lookupUnix(p *process, ino uint64) *sock {
	name, ok := d.unixName(p, ino)
	if !ok {
		return nil
	}
	s := &sock{family: unix.AF_UNIX, ino: ino}
	s.path.set(name)
	s.local.id = ino
	if s.remote.id = d.unixPeer(ino); s.remote.id != 0 {
		peer, _ := d.unixName(p, s.remote.id)
		s.peer.set(peer)
	}
	return s
}

// unixName returns the bound name of a Unix socket. The table has '@' for the NUL
// of an abstract name; editions differ in what they make of it.
func (d *Driver) unixName(p *process, ino uint64) (name []byte, ok bool) {
	ok = p.netLine("unix\x00", ino, func(line []byte) bool {
		fd, ok := procfs.ParseUnixSocket(line)
		name = []byte(fd.Name)
		return ok && fd.Ino == ino
	})
	if len(name) > 0 && name[0] == '@' {
		name = d.pathOf(append([]byte{unix.AF_UNIX, 0, 0}, name[1:]...))
	}
	return name, ok
}

// netLine looks for a line of a table below /proc/PID/net. Lines without the
// inode number are not taken apart.
func (p *process) netLine(name string, ino uint64, match func(line []byte) bool) bool {
	path := append([]byte("net/"), name...)
	var text []byte
	e := readAll(p.dir, path, &text)
	if denied(e) {
		p.denied.ask(func() syscall.Errno { return readAll(p.dir, path, &text) })
	}
	key := strconv.AppendUint([]byte{' '}, ino, 10)
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if bytes.Contains(line, key) && match(line) {
			return true
		}
	}
	return false
}

// maxNetTable bounds what is read of a table, in bytes.
const maxNetTable = 16 << 20

func readAll(dir int, name []byte, text *[]byte) syscall.Errno {
	fd, e := openat(dir, name, unix.O_RDONLY)
	if e != 0 {
		return e
	}
	f := os.NewFile(uintptr(fd), "net")
	defer f.Close()
	var err error
	if *text, err = io.ReadAll(io.LimitReader(f, maxNetTable)); err != nil {
		return unix.EIO
	}
	return 0
}
