package state

import (
	"net/netip"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// Portable address families and what socket(2) takes.
const (
	afUnix, afInet, afInet6, afNetlink           = 1, 2, 10, 16
	sockStream, sockDgram, sockRaw, sockTypeMask = 1, 2, 3, 0xff
	sockCloexec                                  = 0x80000
	protoIP, protoICMP, protoTCP, protoUDP       = 0, 1, 6, 17
	protoICMP6, protoRaw                         = 58, 255
	errInProgress                                = 115
)

func socket(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	domain, ok := s.num("domain")
	if !ok {
		return // its enter event is lost
	}
	typ, _ := s.num("type")
	proto, _ := s.num("proto")
	s.created(num, newSocket(domain, typ, proto))
}

// newSocket returns what socket(2) makes.
func newSocket(domain, typ, proto int64) FD {
	var fd FD
	if typ&sockCloexec != 0 {
		fd.Flags = openCloexec
	}
	switch domain {
	case afUnix:
		fd.Type = snapshot.FDUnixSock
	case afNetlink:
		fd.Type = snapshot.FDNetlink
	case afInet, afInet6:
		fd.Type = snapshot.FDIPv4Sock
		if domain == afInet6 {
			fd.Type = snapshot.FDIPv6Sock
		}
		fd.Proto = transport(typ&sockTypeMask, proto)
	}
	return fd
}

func transport(typ, proto int64) snapshot.L4Proto {
	raw := typ == sockRaw
	switch {
	case proto == protoRaw, raw && proto != protoIP:
		return snapshot.L4RAW
	case proto == protoTCP, proto == protoIP && typ == sockStream:
		return snapshot.L4TCP
	case proto == protoUDP, proto == protoIP && typ == sockDgram:
		return snapshot.L4UDP
	case proto == protoICMP, proto == protoICMP6:
		return snapshot.L4ICMP
	}
	return snapshot.L4Unknown
}

func socketpair(s *State) {
	if !s.succeeded() {
		return
	}
	typ, _ := s.num("type")
	fd := FD{Type: snapshot.FDUnixSock, Flags: cloexecIf(typ&sockCloexec != 0)}
	setInt(s, &fd.SrcPtr, "source")
	setInt(s, &fd.DstPtr, "peer")
	peer := fd
	peer.SrcPtr, peer.DstPtr = fd.DstPtr, fd.SrcPtr
	s.addPair(fd, peer)
}

// bind names the socket. A port says that it will listen.
func bind(s *State) {
	if !s.succeeded() || s.fd == nil {
		return
	}
	b, _ := s.find("addr")
	a, ok := parseAddr(b)
	if !ok {
		return
	}
	n := *s.fd
	if a.family != afUnix && a.addr.Port() > 0 {
		n.Src, n.Dst, n.Role = unmap(a.addr), netip.AddrPort{}, Server
		n.Type = snapshot.FDIPv4Server
		if n.Src.Addr().Is6() {
			n.Type = snapshot.FDIPv6Server
		}
	}
	n.Name = a.name()
	s.fd = s.change(s.thread, s.fdNum, n)
}

// connectEnter names what a Unix socket is about to be connected to, because
// the exit event's tuple only has the peer's bound name.
func connectEnter(s *State) {
	if s.fd == nil {
		return
	}
	b, _ := s.find("addr")
	a, ok := parseAddr(b)
	if !ok {
		return
	}
	if a.family == afUnix && s.fd.Name != a.path {
		n := *s.fd
		n.Name = a.path
		s.fd = s.change(s.thread, s.fdNum, n)
	}
}

func connect(s *State) {
	res, ok := s.result()
	if !ok || s.fd == nil || res < 0 && res != -errInProgress {
		return
	}
	b, _ := s.find("tuple")
	t, ok := parseTuple(b)
	if !ok {
		return
	}
	n := *s.fd
	server := n.Role == Server
	n.setTuple(t)
	if server && n.Proto == snapshot.L4UDP {
		n.Src, n.Dst = n.Dst, n.Src
	}
	if t.family == afUnix {
		n.Name = t.unixName()
	} else {
		n.Name = n.tupleName()
	}
	if n.Role == NoRole {
		n.Role = Client
	}
	s.fd = s.change(s.thread, s.fdNum, n)
}

func accept(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	b, _ := s.find("tuple")
	t, ok := parseTuple(b)
	if !ok {
		return
	}
	fd := FD{Role: Server, Proto: snapshot.L4TCP}
	fd.setTuple(t)
	if t.family == afUnix {
		fd.Name, fd.Proto = t.unixName(), snapshot.L4NA
	} else {
		fd.Name = fd.tupleName()
	}
	if flags, ok := s.num("flags"); ok {
		fd.Flags = uint32(flags)
	}
	s.created(num, fd)
}

// sendEnter makes a socket of which only the use is seen: a datagram socket, the
// likeliest to have a tuple at send.
func sendEnter(s *State) {
	if s.fd != nil || s.fdNum < 0 {
		return
	}
	b, _ := s.find("tuple")
	if len(b) > 0 && (b[0] == afInet || b[0] == afInet6) {
		s.fd = s.add(s.thread, s.fdNum, newSocket(int64(b[0]), sockDgram, protoUDP))
	}
}

func send(s *State) { s.transfer(false) }

func receive(s *State) { s.transfer(true) }

// transfer takes the ends of a connection from the tuple of the send and recv
// families, where they are not known or may have changed.
func (s *State) transfer(incoming bool) {
	if !s.succeeded() {
		return
	}
	if s.fd == nil && !incoming && s.row.Name != "sendmmsg" {
		if own, _ := param(s.ev, s.row, "tuple"); len(own) > 0 { // edition V036 has it at entry
			sendEnter(s)
		}
	}
	if s.fd == nil || s.fd.Name != "" && s.fd.L4Proto() == snapshot.L4TCP {
		return
	}
	b, _ := s.find("tuple")
	t, ok := parseTuple(b)
	if !ok {
		return
	}
	n := *s.fd
	if t.family == afUnix {
		n.setTuple(t)
		n.Name = t.unixName()
	} else {
		if src, dst := unmap2(t.src, t.dst); n.isTuple() && (n.Src == src && n.Dst == dst || n.Src == dst && n.Dst == src) {
			return
		}
		n.setTuple(t)
		if n.Proto == snapshot.L4Unknown {
			n.Proto = snapshot.L4UDP
		}
		if n.Role == NoRole {
			n.Role = s.guessRole(n.Dst.Port(), incoming)
		}
		// A tuple starts at the sender; a descriptor's at the client.
		if incoming == (n.Role == Client) {
			n.Src, n.Dst = n.Dst, n.Src
		}
		n.Name = n.tupleName()
	}
	if n != *s.fd {
		s.fd = s.change(s.thread, s.fdNum, n)
	}
}

// guessRole says which end a socket is that has not been seen from its start:
// the server if the process listens on the port that the data goes to.
func (s *State) guessRole(dst uint16, incoming bool) Role {
	for _, f := range s.thread.files.m {
		if f.IsListener() && f.Src.Port() == dst {
			return Server
		}
	}
	return Client
}
