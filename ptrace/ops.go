package ptrace

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

var le = binary.LittleEndian

// Portable flags that no argument has: an opened file adds them (file_flags).
const fCreated = 0x4000

// openMode is the mode argument of an open call: only the kernel's flags that
// make a file let it through, any bit of them, so O_DIRECTORY does as well.
func openMode(flags, mode uint64) uint64 {
	if flags&(unix.O_CREAT|unix.O_TMPFILE) == 0 {
		return 0
	}
	return mode & 0o7777
}

// openedFlags converts open flags and adds what the opened file tells.
//
// The kernel marks files that this open made (FMODE_CREATED). From outside, a
// file that was born after the call began was made by it; file times tick with
// the kernel's coarse clock, hence entry.ts is compared with one tick of slack.
func (c *call) openedFlags(flags uint64) uint64 {
	v := c.convOpen.Convert(flags)
	if c.ret < 0 || flags&unix.O_CREAT == 0 {
		return v
	}
	if flags&unix.O_EXCL != 0 {
		return v | fCreated
	}
	st := c.opened(c.ret)
	born := uint64(st.Btime.Sec)*1e9 + uint64(st.Btime.Nsec)
	if st.Mask&unix.STATX_BTIME != 0 && born+c.tick >= c.entry.ts {
		v |= fCreated
	}
	return v
}

// mountFlags removes the magic number that old programs put into the high half.
func mountFlags(flags uint64) uint64 {
	if flags&0xffff0000 == 0xc0ed0000 { // MS_MGC_VAL, linux/mount.h
		return flags & 0xffff
	}
	return flags
}

// statFD looks at the file behind a tracee's descriptor.
func (d *Driver) statFD(p *process, fd int64, st *unix.Statx_t) {
	d.name = append(d.name[:0], "fd/"...)
	d.name = append(strconv.AppendInt(d.name, fd, 10), 0)
	if statx(p.dir, d.name, 0, unix.STATX_INO|unix.STATX_BTIME, st) == 0 {
		return
	}
	own, e := d.pidfdGetfd(p, int32(fd))
	if e != 0 {
		return
	}
	statx(own, emptyPath, unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, st)
	closeFD(own)
}

var emptyPath = []byte{0}

// putFDPath writes the path of the file behind the result.
func (c *call) putFDPath() {
	if c.ret <= 0 {
		c.b.PutEmpty()
		return
	}
	c.Driver.name = append(c.Driver.name[:0], "fd/"...)
	c.Driver.name = append(strconv.AppendInt(c.Driver.name, c.ret, 10), 0)
	c.putLink(c.Driver.name)
}

// putLink writes the target of a link below /proc/PID.
func (c *call) putLink(name []byte) {
	room := c.b.Room(maxString)
	n, e := readlinkat(c.t.proc.dir, name, room[:maxString-1])
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
