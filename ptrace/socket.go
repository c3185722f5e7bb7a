package ptrace

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// files is what is known of a descriptor table. It is filled when an event
// wants a socket's ends, and entries go when a call may have changed them.
type files struct {
	socks  map[int32]*sock
	opaque bool // descriptors change by ways that we do not see (io_uring): keep nothing
}

func newFiles() *files { return &files{} }

// maxSocks bounds what a process that never closes can cost.
const maxSocks = 4096

func (f *files) drop(fd int32) {
	if f.socks != nil {
		delete(f.socks, fd)
	}
}

func (f *files) dropRange(first, last uint32) {
	for fd := range f.socks {
		if uint32(fd) >= first && uint32(fd) <= last {
			delete(f.socks, fd)
		}
	}
}

// A sock is what a tuple needs to know of a socket.
type sock struct {
	family uint8 // AF_INET, AF_INET6 or AF_UNIX; others are not kept
	ino    uint64
	local  endpoint
	remote endpoint
	path   name // AF_UNIX: the bound name of the socket itself
	peer   name // AF_UNIX: the bound name of its peer
}

// A name is that of a Unix socket, without a NUL.
type name struct {
	n    int
	text [maxSunPath + 1]byte // edition V036 puts an @ in front of abstract ones
}

func (n *name) set(text []byte) { n.n = copy(n.text[:], text) }
func (n *name) get() []byte     { return n.text[:n.n] }

// An endpoint is an address, or for Unix sockets an identity.
type endpoint struct {
	ip   [16]byte
	port uint16
	id   uint64
}

// rawAddr has room for every socket address.
type rawAddr [128]byte

func (a *rawAddr) family() uint16 { return uint16(a[0]) | uint16(a[1])<<8 }

// dropSocket forgets a socket under whatever descriptors it is known: it was
// connected anew, and duplicates and other processes may hold it.
func (d *Driver) dropSocket(ino uint64) {
	for _, p := range d.procs {
		for fd, s := range p.files.socks {
			if s.ino == ino {
				delete(p.files.socks, fd)
			}
		}
	}
}

// pidfdGetfd duplicates a tracee's descriptor (pidfd_getfd(2), Linux 5.6).
func (d *Driver) pidfdGetfd(p *process, fd int32) (int, syscall.Errno) {
	if d.noPidfd {
		return -1, unix.ENOSYS
	}
	own, e := pidfdGetfd(p.pid, fd)
	if denied(e) {
		theirs := -1
		e = p.denied.ask(func() (e syscall.Errno) {
			theirs, e = pidfdGetfd(p.pid, fd)
			return e
		})
		own = theirs
	}
	d.noPidfd = e == unix.ENOSYS
	return own, e
}

func pidfdGetfd(pid int, fd int32) (int, syscall.Errno) {
	pfd, _, e := unix.RawSyscall(unix.SYS_PIDFD_OPEN, uintptr(pid), 0, 0)
	if e != 0 {
		return -1, e
	}
	own, _, e := unix.RawSyscall(unix.SYS_PIDFD_GETFD, pfd, uintptr(fd), 0)
	closeFD(int(pfd))
	if e != 0 {
		return -1, e
	}
	return int(own), 0
}

// socket returns what is known of a descriptor that is a socket of a family
// with tuples, nil otherwise.
func (d *Driver) socket(t *thread, fd int32) *sock {
	f := t.proc.files
	if s, ok := f.socks[fd]; ok {
		return s
	}
	s := d.readSocket(t, fd)
	// What may still change without a call that names the descriptor is not kept:
	// the local port of an unbound socket, the peer of an unconnected one.
	if s != nil && d.keepsFDs && !f.opaque && len(f.socks) < maxSocks && s.settled() {
		if f.socks == nil {
			f.socks = make(map[int32]*sock)
		}
		kept := *s
		f.socks[fd] = &kept
	}
	return s
}

// settled reports whether both ends are known.
func (s *sock) settled() bool {
	if s.family == unix.AF_UNIX {
		return s.remote.id != 0
	}
	return s.local.port != 0 && s.remote.port != 0
}

// readSocket asks the kernel for a socket's ends. The result is valid until the
// next call.
func (d *Driver) readSocket(t *thread, fd int32) *sock {
	own, e := d.pidfdGetfd(t.proc, fd)
	if e == unix.EBADF {
		return nil
	}
	if e != 0 {
		return d.lookupSocket(t, fd)
	}
	defer closeFD(own)
	local, remote := &d.ends[0], &d.ends[1]
	ln, e := sockName(unix.SYS_GETSOCKNAME, own, local)
	if e != 0 {
		return nil // not a socket
	}
	s := &d.sock
	*s = sock{family: uint8(local.family())}
	if statx(own, emptyString, unix.AT_EMPTY_PATH, unix.STATX_INO, &d.sockStat) == 0 {
		s.ino = d.sockStat.Ino
	}
	rn, e := sockName(unix.SYS_GETPEERNAME, own, remote)
	connected := e == 0
	switch s.family {
	case unix.AF_INET, unix.AF_INET6:
		s.local.set(local)
		if connected {
			s.remote.set(remote)
		}
	case unix.AF_UNIX:
		s.path.set(d.pathOf(local[:ln]))
		s.local.id = s.ino
		if connected {
			s.peer.set(d.pathOf(remote[:rn]))
			s.remote.id = d.unixPeer(s.ino)
		}
	default:
		return nil
	}
	return s
}

func sockName(nr uintptr, fd int, a *rawAddr) (n uint32, e syscall.Errno) {
	n = uint32(len(a))
	_, _, e = unix.RawSyscall(nr, uintptr(fd), uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(&n)))
	return min(n, uint32(len(a))), e
}

// set takes an IP address and port.
func (ep *endpoint) set(a *rawAddr) {
	ep.port = uint16(a[2])<<8 | uint16(a[3])
	switch a.family() {
	case unix.AF_INET:
		copy(ep.ip[:4], a[4:8])
	case unix.AF_INET6:
		copy(ep.ip[:], a[8:24])
	}
}

// maxSunPath is the longest path of a Unix socket (sizeof sun_path). The kernel
// takes no longer ones, but a call may be given one.
const maxSunPath = 108

// pathOf returns the name in a Unix address, valid until the next call. Of the NUL
// in front of an abstract name edition V036 makes '@', and the current one nothing.
func (d *Driver) pathOf(a []byte) []byte {
	if len(a) <= 2 {
		return nil
	}
	path := a[2:min(len(a), 2+maxSunPath)]
	if path[0] == 0 {
		if path = path[1:]; d.in == spec.V036 {
			path = append(append(d.path[:0], '@'), path...)
		}
	}
	if i := bytes.IndexByte(path, 0); i >= 0 {
		return path[:i]
	}
	return path
}
