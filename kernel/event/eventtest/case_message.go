package eventtest

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var messageCases = []Case{
	{Name: "sendmsg", Does: "sendmsg and recvmsg, with control data", Run: sendmsgCase, Snaplens: allSnaplens},
	{Name: "sendmmsg", Does: "several messages in a call", Run: mmsgCase},
	{Name: "sockopt", Does: "socket options of each kind", Run: sockoptCase},
}

// msghdr is a struct msghdr.
func msghdr(name uintptr, nameLen int, iov uintptr, n int, ctl uintptr, ctlLen int) []byte {
	b := le.AppendUint64(nil, uint64(name))
	b = le.AppendUint64(b, uint64(nameLen))
	b = le.AppendUint64(le.AppendUint64(b, uint64(iov)), uint64(n))
	b = le.AppendUint64(le.AppendUint64(b, uint64(ctl)), uint64(ctlLen))
	return le.AppendUint64(b, 0)
}

func sendmsgCase(p *Prog) {
	any0 := at("127.0.0.1", 0)
	a := p.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(a, sockaddr(any0), addr(any0)))
	to := p.name(a)
	b := p.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(b, sockaddr(any0), addr(any0)))
	from := p.name(b)
	msg := pattern(150)
	sa := p.Bytes(sockaddr(to))
	iov := p.iov(p.Bytes(msg[:100]), 100, 0, 0, p.Bytes(msg[100:]), 50)
	p.Must(p.Do(event.SendmsgX, unix.SYS_SENDMSG, V{
		"data": p.cut(msg), "fd": b, "size": 150, "tuple": tuple(from, to),
	}, b, msghdr(sa, 16, iov, 3, 0, 0), 0))
	p.Must(p.DoAs(event.SendmsgX, unix.SYS_SENDMSG, V{
		"data": p.cut(msg), "fd": b, "size": 150, "tuple": tuple(from, to),
	}, V{"fd": 3<<32 | b}, 3<<32|b, msghdr(sa, 16, iov, 3, 0, 0), 0))

	in := p.iov(p.Buf(60), 60, p.Buf(200), 200)
	who := p.Buf(64)
	p.Must(p.Do(event.RecvmsgX, unix.SYS_RECVMSG, V{
		"size": 150, "data": p.cut(msg), "tuple": tuple(from, to), "msgcontrol": nil, "fd": a,
	}, a, msghdr(who, 64, in, 2, 0, 0), 0))
	// More came than there is room for; MSG_TRUNC tells how much.
	p.Must(p.Do(event.RecvmsgX, unix.SYS_RECVMSG, V{
		"res": 150, "size": 60, "data": p.cut(msg[:60]), "tuple": tuple(from, to), "msgcontrol": nil, "fd": a,
	}, a, msghdr(who, 64, in, 1, 0, 0), unix.MSG_TRUNC))
	p.Fails(p.Do(event.RecvmsgX, unix.SYS_RECVMSG, V{
		"size": 0, "data": nil, "tuple": nil, "msgcontrol": nil, "fd": a,
	}, a, msghdr(who, 64, in, 2, 0, 0), unix.MSG_DONTWAIT), unix.EAGAIN)

	for _, bad := range []uintptr{0, p.Bad(), p.Edge(msghdr(0, 0, 0, 0, 0, 0)[:40])} {
		r := p.Call(unix.SYS_SENDMSG, b, bad, 0)
		p.Fails(r, unix.EFAULT)
		v := V{"res": r, "data": nil, "fd": b, "size": nil, "tuple": nil}
		p.State(S{Event: event.SendmsgX, V: v, Enter: V{"size": 0}, Drops: p.old(), NoEnter: p.Drops && p.old()})
		r = p.Call(unix.SYS_RECVMSG, a, bad, 0)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.RecvmsgX, V: V{
			"res": r, "size": 0, "data": nil, "tuple": nil, "msgcontrol": nil, "fd": a,
		}})
	}
	p.Fails(p.DoAs(event.SendmsgX, unix.SYS_SENDMSG, V{
		"data": p.cut(msg), "fd": -1, "size": 150, "tuple": nil,
	}, nil, -1, msghdr(sa, 16, iov, 3, 0, 0), 0), unix.EBADF)
	p.controlMessage()
}

// controlMessage sends a descriptor.
func (p *Prog) controlMessage() {
	pair := p.Buf(8)
	p.quiet(func() { p.Must(p.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, pair)) })
	x, y := int64(p.U32(pair)), int64(p.U32(pair+4))
	cmsg := func(fd uint32) []byte { // struct cmsghdr, SCM_RIGHTS, one descriptor, padding
		b := le.AppendUint32(le.AppendUint64(nil, 20), unix.SOL_SOCKET)
		b = le.AppendUint32(le.AppendUint32(b, unix.SCM_RIGHTS), fd)
		return append(b, 0, 0, 0, 0)
	}
	iov := p.iov(p.Bytes([]byte("!")), 1)
	p.Must(p.Do(event.SendmsgX, unix.SYS_SENDMSG, V{
		"data": p.cut([]byte("!")), "fd": x, "size": 1, "tuple": Unix("Y", "X", ""),
	}, x, msghdr(0, 0, iov, 1, p.Bytes(cmsg(1)), 24), 0))
	ctl := p.Buf(100)
	hdr := p.Bytes(msghdr(0, 0, p.iov(p.Buf(5), 5), 1, ctl, 100))
	r := p.Must(p.Call(unix.SYS_RECVMSG, y, hdr, 0))
	// The kernel leaves the length of what it filled in.
	left := bytes.Clone(p.At(ctl, int(p.U64(hdr+40))))
	p.State(S{Event: event.RecvmsgX, V: V{
		"res": r, "size": 1, "data": p.cut([]byte("!")), "tuple": Unix("Y", "X", ""), "msgcontrol": left, "fd": y,
	}})
	if len(left) < 20 || !bytes.HasPrefix(left[8:], cmsg(0)[8:16]) {
		p.Failf("control data %x", left)
	}
}

func mmsgCase(p *Prog) {
	any0 := at("127.0.0.1", 0)
	a := p.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(a, sockaddr(any0), addr(any0)))
	to := p.name(a)
	b := p.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(b, sockaddr(any0), addr(any0)))
	from := p.name(b)
	sa := p.Bytes(sockaddr(to))
	msg := pattern(3000)
	// Message i has 10*i bytes.
	const n = 5
	var out, in []byte
	var who [n]uintptr
	for i := range n {
		out = append(out, msghdr(sa, 16, p.iov(p.Bytes(msg[:10*i]), uintptr(10*i)), 1, 0, 0)...)
		out = le.AppendUint64(out, 0)
		who[i] = p.Buf(16)
		in = append(in, msghdr(who[i], 16, p.iov(p.Buf(25), 25), 1, 0, 0)...)
		in = le.AppendUint64(in, 0)
	}
	each := func(t event.Type, messages int, v func(i int) V) {
		if p.old() { // one event, of which nothing is said
			p.State(S{Event: t, V: V{}})
			return
		}
		for i := range min(messages, p.Limits.Messages) {
			p.State(S{Event: t, V: v(i), NoEnter: i > 0})
		}
	}
	if r := p.Call(unix.SYS_SENDMMSG, b, out, n, 0); r != n {
		p.Failf("sendmmsg: %d", r)
	}
	each(event.SendmmsgX, n, func(i int) V {
		return V{"res": 10 * i, "fd": b, "size": 10 * i, "data": p.cut(msg[:10*i]), "tuple": tuple(from, to)}
	})
	if r := p.Call(unix.SYS_RECVMMSG, a, in, n, unix.MSG_DONTWAIT, nil); r != n {
		p.Failf("recvmmsg: %d", r)
	}
	each(event.RecvmmsgX, n, func(i int) V {
		got := min(10*i, 25)
		return V{
			"res": got, "fd": a, "size": got, "data": p.cut(msg[:got]), "tuple": tuple(from, to), "msgcontrol": nil,
		}
	})
	fails := func(t event.Type, nr uintptr, args ...any) {
		r := p.Call(nr, args...)
		if r > 0 {
			p.Failf("it worked: %d", r)
		}
		each(t, 1, func(int) V {
			v := V{"res": r, "fd": s32(args[0]), "size": 0, "data": nil, "tuple": nil}
			if t == event.RecvmmsgX {
				v["msgcontrol"] = nil
			}
			return v
		})
	}
	fails(event.SendmmsgX, unix.SYS_SENDMMSG, -1, out, n, 0)
	fails(event.SendmmsgX, unix.SYS_SENDMMSG, b, p.Bad(), n, 0)
	fails(event.SendmmsgX, unix.SYS_SENDMMSG, b, out, 0, 0)
	fails(event.RecvmmsgX, unix.SYS_RECVMMSG, a, in, n, unix.MSG_DONTWAIT, nil)
	fails(event.RecvmmsgX, unix.SYS_RECVMMSG, -1, in, n, 0, nil)
}

func sockoptCase(p *Prog) {
	fd := p.socket(unix.AF_INET, unix.SOCK_STREAM, 0, 0)
	set := func(fd int64, level int, lname any, name int, oname any, val []byte, shown any) int64 {
		return p.Do(event.SetsockoptX, unix.SYS_SETSOCKOPT, V{
			"fd": fd, "level": lname, "optname": oname, "val": shown, "optlen": len(val),
		}, fd, level, name, val, len(val))
	}
	u32 := func(v uint32) []byte { return le.AppendUint32(nil, v) }
	sock, tcp := Names("SOL_SOCKET"), Names("SOL_TCP")
	p.Must(set(fd, unix.SOL_SOCKET, sock, unix.SO_REUSEADDR, Names("SO_REUSEADDR"), u32(1), Dyn(2, 1)))
	p.Must(set(fd, unix.SOL_SOCKET, sock, unix.SO_RCVBUF, Names("SO_RCVBUF"), u32(54321), Dyn(2, 54321)))
	tv := le.AppendUint64(le.AppendUint64(nil, 2), 500)
	p.Must(set(fd, unix.SOL_SOCKET, sock, unix.SO_RCVTIMEO, Names("SO_RCVTIMEO"), tv, Dyn(4, 2_000_500_000)))
	p.Must(set(fd, unix.SOL_SOCKET, sock, unix.SO_SNDTIMEO, Names("SO_SNDTIMEO"), tv, Dyn(4, 2_000_500_000)))
	p.Must(set(fd, unix.SOL_SOCKET, sock, 66, Names("SO_RCVTIMEO"), tv, Dyn(4, 2_000_500_000)))
	p.Must(set(fd, unix.SOL_SOCKET, sock, 67, Names("SO_SNDTIMEO"), tv, Dyn(4, 2_000_500_000)))
	linger := append(u32(1), u32(7)...)
	p.Must(set(fd, unix.SOL_SOCKET, sock, unix.SO_LINGER, Names("SO_LINGER"), linger, Dyn(0, linger)))
	p.Must(set(fd, unix.SOL_TCP, tcp, unix.TCP_NODELAY, 0, u32(1), Dyn(0, u32(1))))
	p.Must(set(fd, unix.IPPROTO_IP, 0, unix.IP_TOS, 0, []byte{8}, Dyn(0, []byte{8})))
	p.Fails(set(fd, unix.SOL_SOCKET, sock, 250, 0, u32(9), Dyn(0, u32(9))), unix.ENOPROTOOPT)
	p.Fails(set(-1, unix.SOL_SOCKET, sock, unix.SO_REUSEADDR, Names("SO_REUSEADDR"), u32(3), Dyn(2, 3)), unix.EBADF)
	// The file's number in the upper half of a register is none of the kernel's.
	p.Do(event.SetsockoptX, unix.SYS_SETSOCKOPT, V{
		"fd": fd, "level": sock, "optname": Names("SO_KEEPALIVE"), "val": Dyn(2, 1), "optlen": 4,
	}, 1<<32|fd, uint64(9<<32|unix.SOL_SOCKET), uint64(9<<32|unix.SO_KEEPALIVE), u32(1), uint64(9<<32|4))
	bad := func(name int, oname, shown any, length int) {
		p.Fails(p.Do(event.SetsockoptX, unix.SYS_SETSOCKOPT, V{
			"fd": fd, "level": sock, "optname": oname, "val": shown, "optlen": length,
		}, fd, unix.SOL_SOCKET, name, p.Bad(), length), unix.EFAULT)
	}
	bad(unix.SO_KEEPALIVE, Names("SO_KEEPALIVE"), Dyn(2, 0), 4)
	bad(unix.SO_RCVTIMEO, Names("SO_RCVTIMEO"), Dyn(4, 0), 16)
	bad(unix.SO_LINGER, Names("SO_LINGER"), Dyn(0, nil), 8)

	get := func(fd int64, level int, lname any, name int, oname any, room int, shown func(b []byte) any) int64 {
		buf, size := p.Buf(room), p.Bytes(u32(uint32(room)))
		r := p.Call(unix.SYS_GETSOCKOPT, fd, level, name, buf, size)
		n := int(p.U32(size))
		p.State(S{Event: event.GetsockoptX, V: V{
			"res": r, "fd": fd, "level": lname, "optname": oname, "val": shown(p.At(buf, n)), "optlen": n,
		}})
		return r
	}
	as := func(v any) func([]byte) any { return func([]byte) any { return v } }
	raw := func(b []byte) any { return Dyn(0, bytes.Clone(b)) }
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_TYPE, Names("SO_TYPE"), 4, as(Dyn(2, unix.SOCK_STREAM))))
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_ERROR, Names("SO_ERROR"), 4, as(Dyn(1, 0))))
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_RCVTIMEO, Names("SO_RCVTIMEO"), 16, func(b []byte) any {
		return Dyn(4, le.Uint64(b)*1e9+le.Uint64(b[8:])*1e3) // the kernel rounds to ticks
	}))
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_LINGER, Names("SO_LINGER"), 8, raw))
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_COOKIE, Names("SO_COOKIE"), 8, func(b []byte) any { return Dyn(3, le.Uint64(b)) }))
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_MEMINFO, Names("SO_MEMINFO"), 36, raw))
	p.Must(get(fd, unix.SOL_TCP, tcp, unix.TCP_INFO, 0, 100, raw))
	p.Fails(get(fd, unix.SOL_SOCKET, sock, 250, 0, 4, raw), unix.ENOPROTOOPT)
	p.Fails(p.Do(event.GetsockoptX, unix.SYS_GETSOCKOPT, V{
		"fd": fd, "level": sock, "optname": Names("SO_TYPE"), "val": Dyn(2, 0), "optlen": 0,
	}, fd, unix.SOL_SOCKET, unix.SO_TYPE, nil, nil), unix.EFAULT)

	// SO_ERROR holds what a connection failed with, as a positive number.
	p.quiet(func() {
		fd = p.Must(p.Call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0))
		port := at("127.0.0.1", 1)
		p.Must(p.Call(unix.SYS_CONNECT, fd, sockaddr(port), 16))
		p.Call(unix.SYS_SENDTO, fd, "x", 1, 0, nil, 0)
	})
	p.Must(get(fd, unix.SOL_SOCKET, sock, unix.SO_ERROR, Names("SO_ERROR"), 4, as(Dyn(1, -int(unix.ECONNREFUSED)))))
	var x int64
	p.quiet(func() {
		pair := p.Buf(8)
		p.Must(p.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, pair))
		x = int64(p.U32(pair))
	})
	p.Must(get(x, unix.SOL_SOCKET, sock, unix.SO_PEERCRED, Names("SO_PEERCRED"), 12, raw))
}
