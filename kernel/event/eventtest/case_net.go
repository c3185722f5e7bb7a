package eventtest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var netCases = []Case{
	{Name: "tcp4", Does: "TCP over IPv4", Run: func(p *Prog) { tcpCase(p, "127.0.0.1", "127.0.0.2") }},
	{Name: "tcp6", Does: "TCP over IPv6", Run: func(p *Prog) { tcpCase(p, "::1", "::1") }},
	{Name: "udp4", Does: "UDP over IPv4", Run: func(p *Prog) { udpCase(p, "127.0.0.1", "0.0.0.0") }},
	{Name: "udp6", Does: "UDP over IPv6", Run: func(p *Prog) { udpCase(p, "::1", "::") }},
	{Name: "sockets", Does: "socket calls that fail, and odd addresses", Run: socketsCase},
}

// An ip is an internet address and port.
type ip = netip.AddrPort

// sockaddr is an address as the kernel has it.
func sockaddr(a ip) []byte {
	port := []byte{byte(a.Port() >> 8), byte(a.Port())}
	if a.Addr().Is4() {
		ip4 := a.Addr().As4()
		b := append(le.AppendUint16(nil, unix.AF_INET), port...)
		return append(append(b, ip4[:]...), make([]byte, 8)...)
	}
	ip6 := a.Addr().As16()
	b := append(le.AppendUint16(nil, unix.AF_INET6), port...)
	b = append(append(b, 0, 0, 0, 0), ip6[:]...)
	return append(b, 0, 0, 0, 0)
}

// addr is the contract's form of an address, tuple that of two ends: the family,
// then for each the address and the port in host order.
func addr(a ip) []byte { return ends(a) }

func tuple(src, dst ip) []byte { return ends(src, dst) }

func ends(list ...ip) []byte {
	b := []byte{unix.AF_INET}
	if list[0].Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	for _, a := range list {
		b = append(b, a.Addr().AsSlice()...)
		b = le.AppendUint16(b, a.Port())
	}
	return b
}

// name returns the local address of a socket; nothing of it is stated.
func (p *Prog) name(fd int64) (a ip) {
	p.quiet(func() {
		sa, err := unix.Getsockname(int(fd))
		if err != nil {
			p.Failf("getsockname: %v", err)
		}
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			a = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
		case *unix.SockaddrInet6:
			a = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
		}
	})
	return a
}

func at(s string, port uint16) ip { return netip.AddrPortFrom(netip.MustParseAddr(s), port) }

func family(a ip) int {
	if a.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// socket makes a socket and states it.
func (p *Prog) socket(domain, kind, proto int, flags any) int64 {
	fd := p.Do(event.SocketX, unix.SYS_SOCKET, V{
		"domain": domain, "type": kind, "proto": proto, "flags": flags,
	}, domain, kind, proto)
	if fd == -int64(unix.EAFNOSUPPORT) && domain == unix.AF_INET6 {
		p.Skip("no IPv6 here")
	}
	return p.Must(fd)
}

func (p *Prog) bind(fd int64, sa []byte, shown any) int64 {
	return p.Do(event.BindX, unix.SYS_BIND, V{"addr": shown, "fd": s32(fd)}, fd, sa, len(sa))
}

// connect calls and states; tuple is asked for once both ends are known.
func (p *Prog) connect(fd int64, sa []byte, shown any, tuple func() any) int64 {
	r := p.Call(unix.SYS_CONNECT, fd, sa, len(sa))
	var ends any
	if r == 0 || r == -int64(unix.EINPROGRESS) {
		ends = tuple()
	}
	p.State(S{Event: event.ConnectX, V: V{"res": r, "tuple": ends, "fd": s32(fd), "addr": shown}})
	return r
}

func (p *Prog) listen(fd int64, backlog int) int64 {
	return p.Do(event.ListenX, unix.SYS_LISTEN, V{"fd": fd, "backlog": backlog}, fd, backlog)
}

func tcpCase(p *Prog, server, client string) {
	any0 := at(server, 0)
	f := family(any0)
	srv := p.socket(f, unix.SOCK_STREAM, 0, 0)
	if r := p.bind(srv, sockaddr(any0), addr(any0)); r == -int64(unix.EADDRNOTAVAIL) {
		p.Skip("no IPv6 address on the loopback interface")
	}
	p.Must(p.listen(srv, 5))
	to := p.name(srv)
	var local [3]ip
	var cli [3]int64
	for i := range cli {
		cli[i] = p.socket(f, unix.SOCK_STREAM, unix.IPPROTO_TCP, 0)
		p.Must(p.bind(cli[i], sockaddr(at(client, 0)), addr(at(client, 0))))
		local[i] = p.name(cli[i])
		p.Must(p.connect(cli[i], sockaddr(to), addr(to), func() any { return tuple(local[i], to) }))
	}
	// The queue of what waits, after this one was taken.
	a := p.Must(p.Do(event.AcceptX, unix.SYS_ACCEPT, V{
		"tuple": tuple(local[0], to), "queuepct": 40, "queuelen": 2, "queuemax": 5,
	}, srv, nil, nil))
	both := Names("O_NONBLOCK|O_CLOEXEC")
	size := p.Bytes([]byte{64, 0, 0, 0})
	b := p.Must(p.DoAs(event.Accept4X, unix.SYS_ACCEPT4, V{
		"tuple": tuple(local[1], to), "queuepct": 20, "queuelen": 1, "queuemax": 5, "flags": 0x1040, // O_CLOEXEC and O_NONBLOCK
	}, V{"flags": 0}, srv, p.Buf(64), size, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC))
	p.Must(p.DoAs(event.Accept4X, unix.SYS_ACCEPT4, V{
		"tuple": tuple(local[2], to), "queuepct": 0, "queuelen": 0, "queuemax": 5, "flags": 0,
	}, V{"flags": 0}, srv, nil, nil, 0))
	none := V{"tuple": nil, "queuepct": 0, "queuelen": 0, "queuemax": 0, "flags": 0}
	p.Fails(p.Do(event.Accept4X, unix.SYS_ACCEPT4, none, cli[0], nil, nil, 0), unix.EINVAL)

	out, in := tuple(local[0], to), tuple(local[0], to)
	msg := pattern(100)
	buf := p.Buf(200)
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": p.cut(msg), "fd": cli[0], "size": 100, "tuple": out,
	}, cli[0], msg, 100, 0, nil, 0))
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": p.cut(msg), "tuple": in, "fd": a, "size": 200,
	}, a, buf, 200, 0, nil, nil))
	// The other way round: the ends change their sides.
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": p.cut(msg[:7]), "fd": a, "size": 7, "tuple": tuple(to, local[0]),
	}, a, msg, 7, 0, nil, 0))
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": p.cut(msg[:7]), "tuple": tuple(to, local[0]), "fd": cli[0], "size": 7,
	}, cli[0], buf, 7, 0, nil, nil))
	p.Fails(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": nil, "tuple": nil, "fd": b, "size": 7,
	}, b, buf, 7, 0, nil, nil), unix.EAGAIN)
	p.Do(event.GetsocknameX, unix.SYS_GETSOCKNAME, V{}, a, p.Buf(64), size)
	p.Do(event.GetpeernameX, unix.SYS_GETPEERNAME, V{}, -1, p.Buf(64), size)

	shutdown := func(fd int64, how int, name any, raw int) int64 {
		return p.DoAs(event.ShutdownX, unix.SYS_SHUTDOWN, V{"fd": fd, "how": name}, V{"how": raw}, fd, how)
	}
	p.Must(shutdown(a, unix.SHUT_RD, Names("SHUT_RD"), 0))
	p.Must(shutdown(a, unix.SHUT_WR, Names("SHUT_WR"), 1))
	p.Must(shutdown(b, unix.SHUT_RDWR, Names("SHUT_RDWR"), 2))
	p.Fails(shutdown(b, 7, 0xff, 7), unix.EINVAL)
	// The other side has gone: nothing is sent, and nothing said of the ends.
	p.Fails(p.DoAs(event.SendtoX, unix.SYS_SENDTO, V{
		"data": p.cut(msg), "fd": a, "size": 100, "tuple": nil,
	}, V{"tuple": Any}, a, msg, 100, unix.MSG_NOSIGNAL, nil, 0), unix.EPIPE)

	// A connection that is on its way.
	late := p.socket(f, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, both)
	r := p.connect(late, sockaddr(to), addr(to), func() any { return tuple(p.name(late), to) })
	if r != 0 && r != -int64(unix.EINPROGRESS) {
		p.Failf("connect: %d", r)
	}
	// One that no one takes.
	p.quiet(func() { p.Call(unix.SYS_CLOSE, srv) })
	refused := p.socket(f, unix.SOCK_STREAM, 0, 0)
	p.Fails(p.connect(refused, sockaddr(to), addr(to), nil), unix.ECONNREFUSED)
}

func udpCase(p *Prog, host, unbound string) {
	any0 := at(host, 0)
	f := family(any0)
	a := p.socket(f, unix.SOCK_DGRAM, unix.IPPROTO_UDP, 0)
	if r := p.bind(a, sockaddr(any0), addr(any0)); r == -int64(unix.EADDRNOTAVAIL) {
		p.Skip("no IPv6 address on the loopback interface")
	}
	to := p.name(a)
	b := p.socket(f, unix.SOCK_DGRAM, 0, 0)
	msg := pattern(90)
	// A socket that is not bound gets its port from the first call that sends.
	r := p.Must(p.Call(unix.SYS_SENDTO, b, msg, 90, 0, sockaddr(to), len(sockaddr(to))))
	from := p.name(b)
	p.State(S{Event: event.SendtoX, V: V{
		"res": r, "data": p.cut(msg), "fd": b, "size": 90, "tuple": tuple(from, to),
	}, Enter: V{"tuple": tuple(at(unbound, 0), to)}})

	buf, sa, size := p.Buf(100), p.Buf(64), p.Bytes([]byte{64, 0, 0, 0})
	src := at(host, from.Port())
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": p.cut(msg), "tuple": tuple(src, to), "fd": a, "size": 100,
	}, a, buf, 100, 0, sa, size))
	// Without an address buffer no one tells who sent.
	p.quiet(func() { p.Call(unix.SYS_SENDTO, b, msg, 90, 0, sockaddr(to), len(sockaddr(to))) })
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": p.cut(msg), "tuple": tuple(at(unbound, 0), to), "fd": a, "size": 100,
	}, a, buf, 100, 0, nil, nil))
	p.Fails(p.DoAs(event.SendtoX, unix.SYS_SENDTO, V{
		"data": p.cut(msg), "fd": b, "size": 90, "tuple": nil,
	}, V{"tuple": tuple(from, at(unbound, 0))}, b, msg, 90, 0, nil, 0), unix.EDESTADDRREQ)

	// Connected: the socket's peer counts, whatever is given.
	p.Must(p.connect(b, sockaddr(to), addr(to), func() any { return tuple(p.name(b), to) }))
	bound := p.name(b)
	send := func(fd int64, dst ip) {
		p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
			"data": p.cut(msg[:5]), "fd": fd, "size": 5, "tuple": tuple(bound, dst),
		}, fd, msg, 5, 0, nil, 0))
	}
	send(b, to)
	var d int64
	p.quiet(func() { d = p.Must(p.Call(unix.SYS_DUP, b)) })
	send(d, to)
	// A duplicate follows when the socket is connected anew.
	c := p.socket(f, unix.SOCK_DGRAM, 0, 0)
	p.Must(p.bind(c, sockaddr(any0), addr(any0)))
	other := p.name(c)
	p.Must(p.connect(b, sockaddr(other), addr(other), func() any { return tuple(bound, other) }))
	send(d, other)
	send(b, other)
	p.Must(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{
		"data": p.cut(msg[:5]), "tuple": tuple(at(unbound, 0), other), "fd": c, "size": 9,
	}, c, buf, 9, 0, nil, nil))
}

func socketsCase(p *Prog) {
	raw := p.Call(unix.SYS_SOCKET, 77, 1<<20|3, -1)
	p.State(S{Event: event.SocketX, V: V{"fd": raw, "domain": Any, "type": 1<<20 | 3, "proto": ^uint32(0), "flags": 0}})
	nl := p.socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0, Names("O_CLOEXEC"))
	// Families that the contract does not represent have no address.
	p.Must(p.bind(nl, make12(unix.AF_NETLINK), nil))
	p.Must(p.Do(event.SendtoX, unix.SYS_SENDTO, V{
		"data": []byte{16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "fd": nl, "size": 16, "tuple": nil,
	}, nl, []byte{16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16, 0, nil, 0))

	s := p.socket(unix.AF_INET, unix.SOCK_STREAM, 0, 0)
	sa := sockaddr(at("127.0.0.1", 80))
	shown := addr(at("127.0.0.1", 80))
	p.Fails(p.bind(-1, sa, shown), unix.EBADF)
	for _, bad := range []uintptr{0, p.Bad()} {
		p.Fails(p.Do(event.BindX, unix.SYS_BIND, V{"addr": nil, "fd": s}, s, bad, 16), unix.EFAULT)
		p.Fails(p.Do(event.ConnectX, unix.SYS_CONNECT, V{"tuple": nil, "fd": s, "addr": nil}, s, bad, 16), unix.EFAULT)
	}
	p.Fails(p.Do(event.BindX, unix.SYS_BIND, V{"addr": nil, "fd": s}, s, sa, 0), unix.EINVAL)
	p.Fails(p.Do(event.BindX, unix.SYS_BIND, V{"addr": nil, "fd": s}, s, sa, -1), unix.EINVAL)
	p.Fails(p.Do(event.ConnectX, unix.SYS_CONNECT, V{"tuple": nil, "fd": -1, "addr": shown}, 0xffffffff, sa, 16), unix.EBADF)
	p.Fails(p.listen(-1, -3), unix.EBADF)
	p.Fails(p.Do(event.AcceptX, unix.SYS_ACCEPT, V{"tuple": nil, "queuepct": 0, "queuelen": 0, "queuemax": 0}, -1, nil, nil), unix.EBADF)
	p.Fails(p.DoAs(event.SendtoX, unix.SYS_SENDTO, V{"data": []byte("ab"), "fd": -1, "size": 2, "tuple": nil}, nil,
		-1, "ab", 2, 0, sa, 16), unix.EBADF)
	p.Fails(p.Do(event.RecvfromX, unix.SYS_RECVFROM, V{"data": nil, "tuple": nil, "fd": -1, "size": 2},
		-1, p.Buf(2), 2, 0, nil, nil), unix.EBADF)
	// A socket that is no server has no queue, a file no ends.
	var file int64
	p.quiet(func() { file = p.file("file", nil) })
	p.Fails(p.DoAs(event.SendtoX, unix.SYS_SENDTO, V{"data": []byte("ab"), "fd": file, "size": 2, "tuple": nil}, nil,
		file, "ab", 2, 0, sa, 16), unix.ENOTSOCK)
}

func make12(family uint16) []byte { return append(le.AppendUint16(nil, family), make([]byte, 10)...) }
