package ptrace

import (
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A msghdr of the tracee.
type msghdr struct {
	name, nameLen uint64
	iov, iovLen   uint64
	ctl, ctlLen   uint64
}

// msghdrSize is sizeof(struct msghdr): 56 bytes, 28 in compat calls.
func (c *call) msghdrSize() uint64 { return uint64(7 * c.long()) }

// readMsghdr reads a struct msghdr; ok is false if it can't be read. Both
// layouts have a 32-bit msg_namelen and flags.
func (c *call) readMsghdr(addr uint64) (m msghdr, ok bool) {
	var b [56]byte
	n := int(c.msghdrSize())
	if c.mem.read(addr, b[:n]) != n {
		return m, false
	}
	return msghdr{c.num(b[:], 0), uint64(le.Uint32(b[c.long():])), c.num(b[:], 2), c.num(b[:], 3),
		c.num(b[:], 4), c.num(b[:], 5)}, true
}

// putMsgData writes up to n bytes of a message's buffers.
func (c *call) putMsgData(m *msghdr, n uint64) {
	v, ok := c.iovecs(m.iov, m.iovLen)
	c.putVectors(v, ok, n)
}

// msgSize is the sum of the lengths of a message's buffers.
func (c *call) msgSize(m *msghdr) uint64 {
	v, _ := c.iovecs(m.iov, m.iovLen)
	return total(v)
}

// fillSendmsgE (V036): fd, size, tuple.
func (c *call) fillSendmsgE() {
	m, ok := c.readMsghdr(c.args[1])
	c.b.PutU64(c.args[0])
	if !ok {
		c.b.PutU32(0)
		c.b.PutEmpty()
		return
	}
	c.b.PutU32(uint32(c.msgSize(&m)))
	c.putTuple(false, int32(c.args[0]), givenAddr{m.name, m.nameLen})
}

// fillSendmsgX: res, data, fd, size, tuple.
func (c *call) fillSendmsgX() {
	m, ok := c.readMsghdr(c.args[1])
	size := uint64(0)
	c.b.PutS64(c.ret)
	if ok {
		size = c.msgSize(&m)
		n := size
		if c.ret > 0 {
			n = min(n, uint64(c.ret))
		}
		c.putMsgData(&m, n)
	} else {
		c.b.PutEmpty()
	}
	if c.in != spec.Current {
		return
	}
	c.b.PutS64(int64(int32(c.args[0])))
	if !ok {
		c.b.PutEmpty()
		c.b.PutEmpty()
		return
	}
	c.b.PutU32(uint32(size))
	c.putTuple(false, int32(c.args[0]), givenAddr{m.name, m.nameLen})
}

// fillRecvmsgX: res, size, data, tuple, msgcontrol, fd.
func (c *call) fillRecvmsgX() {
	c.b.PutS64(c.ret)
	m, ok := c.readMsghdr(c.args[1])
	if c.ret < 0 || !ok {
		c.b.PutU32(0)
		c.b.PutEmpty()
		c.b.PutEmpty()
	} else {
		n := min(c.msgSize(&m), uint64(c.ret))
		c.b.PutU32(uint32(n))
		c.putMsgData(&m, n)
		c.putTuple(true, int32(c.args[0]), givenAddr{m.name, m.nameLen})
	}
	if c.in != spec.Current {
		return
	}
	if c.ret < 0 || !ok {
		c.b.PutEmpty()
	} else {
		c.putRaw(m.ctl, m.ctlLen)
	}
	c.b.PutS64(int64(int32(c.args[0])))
}

// mmsgLimit bounds the messages that one call is taken apart into: UIO_MAXIOV,
// the kernel's own limit.
const mmsgLimit = 1024

// fillSendmmsgX: res, fd, size, data, tuple; one event a message.
func (c *call) fillSendmmsgX() { c.fillMmsg(event.SendmmsgX, false) }

// fillRecvmmsgX: as sendmmsg, then msgcontrol.
func (c *call) fillRecvmmsgX() { c.fillMmsg(event.RecvmmsgX, true) }

// fillMmsg lays out an event for each message that was sent or received; a
// failed call, or one that moved none, is one event.
func (c *call) fillMmsg(typ event.Type, inbound bool) {
	if c.in != spec.Current {
		return // edition V036 has no parameters
	}
	fd := int32(c.args[0])
	if c.ret <= 0 {
		c.b.PutS64(c.ret)
		c.b.PutS64(int64(fd))
		c.b.PutU32(0)
		c.b.PutEmpty()
		c.b.PutEmpty()
		if inbound {
			c.b.PutEmpty()
		}
		return
	}
	size := c.msghdrSize() + uint64(c.long()) // msg_len and padding
	count := uint64(min(c.ret, mmsgLimit))
	for i := range count {
		if i > 0 {
			c.end()
			c.b.Begin(typ, c.now, int64(c.t.tid), c.plans[typ].n)
		}
		at := c.args[1] + i*size
		m, ok := c.readMsghdr(at)
		length, _ := c.mem.word(at+c.msghdrSize(), 4)
		c.b.PutS64(int64(int32(length)))
		c.b.PutS64(int64(fd))
		if !ok {
			c.b.PutU32(0)
			c.b.PutEmpty()
			c.b.PutEmpty()
			if inbound {
				c.b.PutEmpty()
			}
			continue
		}
		n := c.msgSize(&m)
		if inbound {
			n = min(n, length)
		}
		c.b.PutU32(uint32(n))
		c.putMsgData(&m, min(n, length))
		c.putTuple(inbound, fd, givenAddr{m.name, m.nameLen})
		if inbound {
			c.putRaw(m.ctl, m.ctlLen)
		}
	}
}
