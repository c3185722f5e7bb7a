package ptrace

import "golang.org/x/sys/unix"

// Indexes into the dynamic table "sockopt".
const (
	sockoptRaw = iota
	sockoptErrno
	sockoptUint32
	sockoptUint64
	sockoptTimeval
)

// Options of SOL_SOCKET that x/sys names differently on 32-bit machines
// (asm-generic/socket.h).
const (
	soRcvtimeoNew = 66
	soSndtimeoNew = 67
)

// fillSetsockoptX: res, fd, level, optname, val, optlen.
func (c *call) fillSetsockoptX() { c.fillSockopt(c.args[4] & 0xffffffff) }

// fillGetsockoptX: as setsockopt; the length is what the kernel left.
func (c *call) fillGetsockoptX() {
	n, _ := c.mem.word(c.args[4], 4)
	c.fillSockopt(n)
}

func (c *call) fillSockopt(length uint64) {
	level := c.args[1] & 0xffffffff
	c.b.PutS64(c.ret)
	c.b.PutS64(int64(int32(c.args[0])))
	c.b.PutU8(uint8(c.convLevel.Convert(level)))
	name := uint64(0)
	if level == unix.SOL_SOCKET {
		name = c.convOption.Convert(c.args[2])
	}
	c.b.PutU8(uint8(name))
	c.putSockoptValue(level, int(int32(c.args[2])), name != 0, c.args[3], length)
	c.b.PutU32(uint32(length))
}

// putSockoptValue writes the option in the form that its name calls for.
func (c *call) putSockoptValue(level uint64, name int, known bool, addr, length uint64) {
	if level == unix.SOL_SOCKET && known {
		switch name {
		case unix.SO_ERROR:
			v, _ := c.mem.word(addr, 4)
			c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], sockoptErrno), uint64(-int64(int32(v)))))
			return
		case soRcvtimeoNew, soSndtimeoNew: // 64 bits wide in every ABI
			c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], sockoptTimeval), c.timeval(addr, 8)))
			return
		case unix.SO_RCVTIMEO, unix.SO_SNDTIMEO:
			c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], sockoptTimeval), c.timeval(addr, c.long())))
			return
		case unix.SO_COOKIE:
			v, _ := c.mem.word(addr, 8)
			c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], sockoptUint64), v))
			return
		case unix.SO_LINGER, unix.SO_PEERCRED, unix.SO_PEERNAME, unix.SO_ATTACH_FILTER, unix.SO_ATTACH_BPF,
			unix.SO_PEERGROUPS, unix.SO_MEMINFO:
		default:
			v, _ := c.mem.word(addr, 4)
			c.b.PutBytes(le.AppendUint32(append(c.scratch[:0], sockoptUint32), uint32(v)))
			return
		}
	}
	room := c.b.Room(1 + int(min(length, maxRawOption)))
	room[0] = sockoptRaw
	n := c.mem.read(addr, room[1:])
	if n < len(room)-1 {
		n = 0
	}
	c.b.Commit(1 + n)
}

// maxRawOption is the longest option value shown: an option is an int or a
// small structure, and a filter program has at most 4096 instructions.
const maxRawOption = 32768

// timeval reads a struct timeval with words of size bytes: ns, 0 if it can't be
// read.
func (c *call) timeval(addr uint64, size int) uint64 {
	var b [16]byte
	if c.mem.read(addr, b[:2*size]) != 2*size {
		return 0
	}
	if size == 4 {
		return uint64(le.Uint32(b[:]))*1e9 + uint64(le.Uint32(b[4:]))*1e3
	}
	return le.Uint64(b[:])*1e9 + le.Uint64(b[8:])*1e3
}
