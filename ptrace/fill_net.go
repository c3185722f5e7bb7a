package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// readAddr reads the socket address that a call was given. The length is the
// caller's word, so it is bounded; a read-only caller of the result must check
// the length returned.
func (c *call) readAddr(addr, length uint64, a *rawAddr) int {
	*a = rawAddr{}
	if addr == 0 || int32(length) <= 0 {
		return 0
	}
	n := int(min(length&0xffffffff, uint64(len(a))))
	if c.mem.read(addr, a[:n]) != n {
		return 0
	}
	return n
}

// Least lengths of addresses that make sense.
const (
	minInet  = 8  // family, port, address
	minInet6 = 24 // family, port, flow, address
	minUnix  = 3  // family and one byte of path
)

// usable reports whether n bytes of an address hold all that is shown of it.
func (a *rawAddr) usable(n int) bool {
	switch a.family() {
	case unix.AF_INET:
		return n >= minInet
	case unix.AF_INET6:
		return n >= minInet6
	case unix.AF_UNIX:
		return n >= minUnix
	}
	return false
}

// putSockAddr writes a user's address (docs/wire.md).
func (c *call) putSockAddr(addr, length uint64) {
	n := c.readAddr(addr, length, &c.addr)
	if !c.addr.usable(n) {
		c.b.PutEmpty()
		return
	}
	out := append(c.scratch[:0], byte(c.addr.family()))
	if c.addr.family() == unix.AF_UNIX {
		out = append(append(out, c.pathOf(c.addr[:n])...), 0)
	} else {
		var ep endpoint
		ep.set(&c.addr)
		out = ep.append(out, uint8(c.addr.family()))
	}
	c.b.PutBytes(out)
}

// append lays out an address and a port.
func (ep *endpoint) append(out []byte, family uint8) []byte {
	n := 16
	if family == unix.AF_INET {
		n = 4
	}
	out = append(out, ep.ip[:n]...)
	return le.AppendUint16(out, ep.port)
}

// A givenAddr is the address argument of a call, of any family or none.
type givenAddr struct{ addr, length uint64 }

// userAddr returns the address arguments of a tuple op. What a call receives
// into has its length behind a pointer.
func (c *call) userAddr(o *planOp) (g givenAddr) {
	if o.args[1] == spec.NoArg {
		return g
	}
	g = givenAddr{c.args[o.args[1]], c.args[o.args[2]]}
	if o.op == spec.TupleIn && g.addr != 0 {
		g.length, _ = c.mem.word(g.length, 4)
	}
	return g
}

// putTuple writes the two ends of a socket (docs/wire.md), for a call
// that did not fail.
func (c *call) putTuple(inbound bool, fd int32, g givenAddr) {
	if c.ret < 0 && !c.entering {
		c.b.PutEmpty()
		return
	}
	s := c.socket(c.t, fd)
	if s == nil {
		c.b.PutEmpty()
		return
	}
	c.b.PutBytes(c.tuple(s, inbound, g))
}

// tuple lays out the ends of a socket; where it has no remote end, the address
// that the call was given is taken.
func (c *call) tuple(s *sock, inbound bool, g givenAddr) []byte {
	out := append(c.scratch[:0], s.family)
	if s.family == unix.AF_UNIX {
		path := s.path.get()
		first, second := s.local.id, s.remote.id
		if !inbound {
			first, second = second, first
			path = s.peer.get()
		}
		out = le.AppendUint64(le.AppendUint64(out, first), second)
		if !inbound && s.remote.id == 0 && len(path) == 0 {
			n := c.readAddr(g.addr, g.length, &c.addr)
			if c.addr.family() == unix.AF_UNIX && n >= minUnix {
				return append(append(out, c.pathOf(c.addr[:n])...), 0)
			}
		}
		return append(append(out, path...), 0)
	}
	remote := s.remote
	if remote.port == 0 {
		n := c.readAddr(g.addr, g.length, &c.addr)
		if c.addr.family() == uint16(s.family) && c.addr.usable(n) {
			remote.set(&c.addr)
		}
	}
	if inbound {
		return s.local.append(remote.append(out, s.family), s.family)
	}
	return remote.append(s.local.append(out, s.family), s.family)
}

// fillConnectX: res, tuple, fd, addr.
func (c *call) fillConnectX() {
	c.b.PutS64(c.ret)
	fd := int32(c.args[0])
	g := givenAddr{c.args[1], c.args[2]}
	var s *sock
	if c.ret == 0 || c.ret == -int64(unix.EINPROGRESS) {
		c.t.proc.files.drop(fd)
		if s = c.readSocket(c.t, fd); s != nil {
			c.dropSocket(s.ino)
		}
	}
	if s != nil {
		c.b.PutBytes(c.tuple(s, false, g))
	} else {
		c.b.PutEmpty()
	}
	c.b.PutS64(int64(fd))
	if c.in == spec.Current {
		c.putSockAddr(g.addr, g.length)
	}
}

// fillAcceptX: fd, tuple, queuepct, queuelen, queuemax.
func (c *call) fillAcceptX() {
	c.b.PutS64(int64(int32(c.ret)))
	if c.ret < 0 {
		c.b.PutEmpty()
		c.b.PutU8(0)
		c.b.PutU32(0)
		c.b.PutU32(0)
		return
	}
	c.putTuple(true, int32(c.ret), givenAddr{})
	q := c.acceptQueue(c.t, int32(c.args[0]))
	pct := uint64(0)
	if q.max > 0 {
		pct = uint64(q.length) * 100 / uint64(q.max)
	}
	c.b.PutU8(uint8(pct))
	c.b.PutU32(q.length)
	c.b.PutU32(q.max)
}

// fillAccept4X: as accept, then flags.
func (c *call) fillAccept4X() {
	c.fillAcceptX()
	if c.in == spec.Current {
		c.b.PutU32(uint32(c.convFD.Convert(c.args[3])))
	}
}

// fillSocketpairX: res, fd1, fd2, source, peer, domain, type, proto.
func (c *call) fillSocketpairX() {
	fd1, fd2 := int64(-1), int64(-1)
	var src, peer uint64
	if c.ret == 0 {
		fd1, fd2 = c.fdAt(c.args[3], 0), c.fdAt(c.args[3], 1)
		src = c.opened(fd1).Ino // opened has room for one
		peer = c.opened(fd2).Ino
	}
	c.b.PutS64(c.ret)
	c.b.PutS64(fd1)
	c.b.PutS64(fd2)
	c.b.PutU64(src)
	c.b.PutU64(peer)
	if c.in == spec.Current {
		for _, a := range c.args[:3] {
			c.b.PutU32(uint32(a))
		}
	}
}
