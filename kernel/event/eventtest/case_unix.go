package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var unixCases = []Case{
	{Name: "unix/stream", Does: "Unix sockets that are connected", Run: unixStreamCase},
	{Name: "unix/dgram", Does: "Unix sockets that are not, and pairs", Run: unixDgramCase},
}

// sun is a Unix socket's address, path that of the contract.
func sun(path string) []byte {
	return append(le.AppendUint16(nil, unix.AF_UNIX), path...)
}

func unixAddr(path string) []byte { return append(append([]byte{unix.AF_UNIX}, path...), 0) }

// abstract is how an abstract name, which starts with a NUL, is shown.
func (p *Prog) abstract(name string) string {
	if p.old() && p.AtSign {
		return "@" + name
	}
	return name
}

func unixStreamCase(p *Prog) {
	for i, at := range []struct{ name, shown string }{
		{p.Dir + "/server\x00", p.Dir + "/server"},
		{"relative", "relative"},
		{"\x00lanner-abstract", p.abstract("lanner-abstract")},
	} {
		id := string(rune('a' + i))
		srv := p.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, 0)
		p.Must(p.bind(srv, sun(at.name), unixAddr(at.shown)))
		if p.bind(srv, sun(at.name), unixAddr(at.shown)) >= 0 {
			p.Failf("a socket was bound twice")
		}
		p.Must(p.listen(srv, 7))
		cli := p.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, 0)
		// Before it is accepted the other end is no socket that userspace sees.
		p.Must(p.connect(cli, sun(at.name), unixAddr(at.shown), func() any { return Unix(id+"S?", id+"C", at.shown) }))
		acc := p.Must(p.DoAs(event.Accept4X, unix.SYS_ACCEPT4, V{
			"tuple": Unix(id+"S", id+"C", at.shown), "queuepct": 0, "queuelen": 0, "queuemax": 7, "flags": 0,
		}, V{"flags": 0}, srv, nil, nil, 0))
		msg := []byte("hello")
		buf := p.Buf(10)
		p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
			"data": msg, "fd": cli, "size": 5, "tuple": Unix(id+"S", id+"C", at.shown),
		}, cli, msg, 5, 0, nil, 0))
		p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
			"data": msg, "tuple": Unix(id+"S", id+"C", at.shown), "fd": acc, "size": 10,
		}, acc, buf, 10, 0, nil, nil))
		// The client has no name.
		p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
			"data": msg, "fd": acc, "size": 5, "tuple": Unix(id+"C", id+"S", ""),
		}, acc, msg, 5, 0, nil, 0))
		p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
			"data": msg, "tuple": Unix(id+"C", id+"S", ""), "fd": cli, "size": 10,
		}, cli, buf, 10, 0, nil, nil))
	}
	cli := p.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0, 0)
	p.Fails(p.connect(cli, sun("none"), unixAddr("none"), nil), unix.ENOENT)
	// The longest path: 108 bytes without a NUL.
	long := longPath(108)
	p.Fails(p.connect(cli, sun(long), OneOf(unixAddr(long), unixAddr(long[:107])), nil), unix.ENOENT)
	p.Fails(p.connect(cli, sun(longPath(120)), OneOf(unixAddr(longPath(108)), unixAddr(longPath(107))), nil), unix.EINVAL)
	// Only a family: the kernel chooses a name.
	p.Must(p.bind(cli, sun(""), OneOf(nil, unixAddr(""))))
}

func longPath(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}

func unixDgramCase(p *Prog) {
	a := p.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(a, sun("a"), unixAddr("a")))
	b := p.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0, 0)
	msg := []byte("datagram")
	buf, sa, size := p.Buf(64), p.Buf(128), p.Bytes([]byte{128, 0, 0, 0})
	// Without a peer the path is the one that the call is given.
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": msg, "fd": b, "size": 8, "tuple": Unix("0", "B", "a"),
	}, b, msg, 8, 0, sun("a"), 3))
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": msg, "tuple": Unix("A", "0", "a"), "fd": a, "size": 64,
	}, a, buf, 64, 0, sa, size))
	p.Must(p.connect(b, sun("a"), unixAddr("a"), func() any { return Unix("A", "B", "a") }))
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": msg, "fd": b, "size": 8, "tuple": Unix("A", "B", "a"),
	}, b, msg, 8, 0, nil, 0))
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": msg, "tuple": Unix("A", "0", "a"), "fd": a, "size": 64,
	}, a, buf, 64, 0, nil, nil))

	pair := p.Buf(8)
	const kind = unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	r := p.Must(p.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, kind, 0, pair))
	x, y := int64(p.U32(pair)), int64(p.U32(pair+4))
	p.State(S{Event: event.SocketpairX, V: V{
		"res": r, "fd1": x, "fd2": y, "source": Var("X"), "peer": Var("Y"), "domain": unix.AF_UNIX, "type": kind, "proto": 0,
	}})
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": msg, "fd": x, "size": 8, "tuple": Unix("Y", "X", ""),
	}, x, msg, 8, 0, nil, 0))
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": msg, "tuple": Unix("Y", "X", ""), "fd": y, "size": 64,
	}, y, buf, 64, 0, nil, nil))
	for _, c := range []struct {
		domain, kind int
		to           uintptr
	}{{unix.AF_INET, unix.SOCK_STREAM, pair}, {unix.AF_UNIX, 99, pair}, {unix.AF_UNIX, unix.SOCK_DGRAM, 0}} {
		r := p.Do(event.SocketpairX, unix.SYS_SOCKETPAIR, V{
			"fd1": -1, "fd2": -1, "source": 0, "peer": 0, "domain": c.domain, "type": c.kind, "proto": 0,
		}, c.domain, c.kind, 0, c.to)
		if r >= 0 {
			p.Failf("socketpair worked")
		}
	}
}
