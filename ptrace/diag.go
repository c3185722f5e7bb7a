package ptrace

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Constants of linux/unix_diag.h and linux/sock_diag.h.
const (
	sockDiagByFamily = 20
	udiagShowPeer    = 0x4
	udiagShowRqlen   = 0x10
	unixDiagPeer     = 2
	unixDiagRqlen    = 4
)

// unixDiagReq is struct nlmsghdr and struct unix_diag_req.
type unixDiagReq struct {
	len            uint32
	typ            uint16
	flags          uint16
	seq, pid       uint32
	family, proto  uint8
	_              uint16
	states, ino    uint32
	show           uint32
	cookie0, cook1 uint32
}

// unixDiag asks for one attribute of the Unix socket with an inode number, in our
// own network namespace (sock_diag(7)). It returns the attribute's bytes, valid
// until the next call, nil if there is no answer.
func (d *Driver) unixDiag(ino uint64, show uint32, attr uint16) []byte {
	if d.diag < 0 {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		if err != nil {
			return nil
		}
		d.diag = fd
	}
	req := unixDiagReq{
		typ: sockDiagByFamily, flags: unix.NLM_F_REQUEST, family: unix.AF_UNIX,
		states: ^uint32(0), ino: uint32(ino), show: show, cookie0: ^uint32(0), cook1: ^uint32(0),
	}
	req.len = uint32(unsafe.Sizeof(req))
	p := unsafe.Slice((*byte)(unsafe.Pointer(&req)), unsafe.Sizeof(req))
	if _, err := unix.Write(d.diag, p); err != nil {
		return nil
	}
	n, e := read(d.diag, d.buf[:])
	const head = 16 + 16 // nlmsghdr, unix_diag_msg
	if e != 0 || n < head || binary.LittleEndian.Uint16(d.buf[4:]) != sockDiagByFamily {
		return nil
	}
	for b := d.buf[head:n]; len(b) >= 4; {
		size := int(binary.LittleEndian.Uint16(b))
		if size < 4 || size > len(b) {
			break
		}
		if binary.LittleEndian.Uint16(b[2:]) == attr {
			return b[4:size]
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}

// unixPeer returns the inode number of the socket that a Unix socket is
// connected to, 0 if unknown.
func (d *Driver) unixPeer(ino uint64) uint64 {
	if b := d.unixDiag(ino, udiagShowPeer, unixDiagPeer); len(b) >= 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// A queue is the accept queue of a listening socket.
type queue struct{ length, max uint32 }

// acceptQueue returns the accept queue of a listening socket, zeros if unknown.
// TCP tells it in fields that mean something else for other sockets
// (net/ipv4/tcp.c:tcp_get_info). A socket of MPTCP keeps its queue in another one
// and answers for that; itself, which is what the contract's drivers look at, it has
// none (net/mptcp/sockopt.c).
func (d *Driver) acceptQueue(t *thread, fd int32) (q queue) {
	own, e := d.pidfdGetfd(t.proc, fd)
	if e != 0 {
		return d.unixQueue(d.socketInode(t, fd))
	}
	defer closeFD(own)
	var info unix.TCPInfo
	n := uint32(unsafe.Sizeof(info))
	_, _, e = unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(own), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&n)), 0)
	if e == 0 {
		const listen = 10 // TCP_LISTEN, include/net/tcp_states.h
		if proto, err := unix.GetsockoptInt(own, unix.SOL_SOCKET, unix.SO_PROTOCOL); info.State == listen &&
			(err != nil || proto != unix.IPPROTO_MPTCP) {
			q = queue{info.Unacked, info.Sacked}
		}
		return q
	}
	var st unix.Stat_t
	if unix.Fstat(own, &st) != nil {
		return q
	}
	return d.unixQueue(st.Ino)
}

// unixQueue returns the accept queue of a Unix socket.
func (d *Driver) unixQueue(ino uint64) (q queue) {
	if b := d.unixDiag(ino, udiagShowRqlen, unixDiagRqlen); len(b) >= 8 {
		q = queue{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
	}
	return q
}
