package ptrace

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

var le = binary.LittleEndian

// openMode is the mode argument of an open call: only the kernel's flags that
// make a file let it through, any bit of them, so O_DIRECTORY does as well.
func openMode(flags, mode uint64) uint64 {
	if flags&(unix.O_CREAT|unix.O_TMPFILE) == 0 {
		return 0
	}
	return mode & 0o7777
}

// mountFlags removes the magic number that old programs put into the high half.
func mountFlags(flags uint64) uint64 {
	if flags&0xffff0000 == 0xc0ed0000 { // MS_MGC_VAL, linux/mount.h
		return flags & 0xffff
	}
	return flags
}

// putFDPath writes the path of the file behind the result.
func (c *call) putFDPath() {
	if c.ret <= 0 {
		c.b.PutEmpty()
		return
	}
	c.putLink(c.fdName(c.t, c.ret))
}

// putLink writes the target of a link below /proc/PID.
func (c *call) putLink(name []byte) {
	room := c.b.Room(maxString)
	n, e := c.t.proc.link(name, room[:maxString-1])
	if e != 0 || n <= 0 {
		c.b.PutEmpty()
		return
	}
	room[n] = 0
	c.b.Commit(n + 1)
}

// An iovec of the tracee.
type iovec struct{ base, length uint64 }

// iovLimit bounds how many vectors are visited: UIO_MAXIOV, the kernel's own.
const iovLimit = 1024

// iovecs reads an array of struct iovec; ok is false if it can't be read. The
// result is valid until the next call.
func (c *call) iovecs(addr, count uint64) (v []iovec, ok bool) {
	if count > iovLimit {
		return nil, false // the call failed with EINVAL before it read any
	}
	size := 2 * c.long()
	n := int(count) * size
	if c.mem.read(addr, c.iovBytes[:n]) != n {
		return nil, false
	}
	v = c.iov[:0]
	for b := c.iovBytes[:n]; len(b) > 0; b = b[size:] {
		v = append(v, iovec{c.num(b, 0), c.num(b, 1)})
	}
	c.iov = v
	return v, true
}

// total sums up the lengths of vectors, which the tracee chose.
func total(v []iovec) (sum uint64) {
	for _, x := range v {
		sum += min(x.length, 1<<40)
	}
	return sum
}

// putIov writes one of the values that come from a vector array.
func (c *call) putIov(op spec.Op, addr, count uint64) {
	v, ok := c.iovecs(addr, count)
	switch op {
	case spec.IovSize:
		c.b.PutU32(uint32(total(v)))
	case spec.IovSizeIn:
		c.b.PutU32(uint32(min(total(v), uint64(max(c.ret, 0)))))
	case spec.IovIn:
		c.putVectors(v, ok, uint64(max(c.ret, 0)))
	case spec.IovOut:
		limit := total(v)
		if c.ret > 0 {
			limit = min(limit, uint64(c.ret))
		}
		c.putVectors(v, ok, limit)
	}
}

// putVectors writes up to n bytes of scattered buffers, at most snaplen.
func (c *call) putVectors(v []iovec, ok bool, n uint64) {
	n = min(n, uint64(c.cfg.Snaplen))
	if !ok || n == 0 {
		c.b.PutEmpty()
		return
	}
	room := c.b.Room(int(n))
	got := 0
	for _, x := range v {
		want := int(min(x.length, n-uint64(got)))
		k := c.mem.read(x.base, room[got:got+want])
		got += k
		if k < want || uint64(got) == n {
			break
		}
	}
	c.b.Commit(got)
}

// putArgs splits argv as it stands in memory into exe and args, which share
// maxArgs bytes.
func (c *call) putArgs(argv []byte) {
	i := bytes.IndexByte(argv, 0) + 1
	if i == 0 {
		i = len(argv)
	}
	c.b.PutBytes(argv[:i])
	c.b.PutBytes(argv[i:])
}
