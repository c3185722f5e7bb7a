package ptrace

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// lookups is what is remembered of files and sockets to tell one from the other.
type lookups struct {
	made  [64]madeFile // the last files that opens of tracees made
	nmade int

	sock     sock // scratch memory of readSocket
	ends     [2]rawAddr
	sockStat unix.Statx_t

	mounts map[uint64]*mounted // by mount number
	boot   uint64              // when the machine booted, ns since the epoch
}

// A madeFile is a file that a tracee made.
type madeFile struct {
	major, minor uint32
	ino, born    uint64
}

// Portable flags that no argument has: an opened file adds them (file_flags).
const (
	fCreated     = 0x4000
	fdUpperLayer = 0x8000
	fdLowerLayer = 0x10000
)

// openedFlags converts open flags and adds what the opened file tells.
//
// The kernel marks files that this open made (FMODE_CREATED). From outside, a
// file that was born after the call began was made by it. Births are dated by the
// coarse clock, which ticks 100 to 1000 times a second (fs/inode.c:
// inode_set_ctime_current), so that clock is read when the call begins; of
// several opens within one tick the first is the one that made the file.
func (c *call) openedFlags(flags uint64) uint64 {
	v := c.convOpen.Convert(flags)
	if c.ret < 0 {
		return v
	}
	if c.in == spec.Current {
		switch c.layer(c.ret) {
		case upper:
			v |= fdUpperLayer
		case lower:
			v |= fdLowerLayer
		}
	}
	if flags&unix.O_CREAT == 0 {
		return v
	}
	st := c.opened(c.ret)
	born := uint64(st.Btime.Sec)*1e9 + uint64(st.Btime.Nsec)
	file := madeFile{st.Dev_major, st.Dev_minor, st.Ino, born}
	if flags&unix.O_EXCL == 0 {
		// A file without a name was reached through /proc/PID/fd: a memfd, mostly.
		if st.Mask&unix.STATX_BTIME == 0 || c.coarse == 0 || born < c.coarse || st.Nlink == 0 || c.wasMade(file) {
			return v
		}
	}
	c.made[c.nmade%len(c.made)] = file
	c.nmade++
	return v | fCreated
}

func (l *lookups) wasMade(file madeFile) bool {
	for i := range l.made {
		if l.made[i] == file {
			return true
		}
	}
	return false
}

// coarseTime reads the clock that file times are taken from, in ns since the
// epoch; 0 if there is none.
func coarseTime() uint64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now) != nil {
		return 0
	}
	return uint64(now.Nano())
}

// fdName names a descriptor of a thread below its process's /proc/PID, until the
// next call. A thread may have a table of its own, and outlive the leader's.
func (d *Driver) fdName(t *thread, fd int64) []byte {
	d.name = d.name[:0]
	if t.tid != t.proc.pid {
		d.name = append(strconv.AppendInt(append(d.name, "task/"...), int64(t.tid), 10), '/')
	}
	d.name = append(strconv.AppendInt(append(d.name, "fd/"...), fd, 10), 0)
	return d.name
}

// statFD looks at the file behind a tracee's descriptor.
func (d *Driver) statFD(t *thread, fd int64, st *unix.Statx_t) {
	const mask = unix.STATX_INO | unix.STATX_NLINK | unix.STATX_BTIME | unix.STATX_CTIME | unix.STATX_MNT_ID
	if t.proc.statLink(d.fdName(t, fd), mask, st) == 0 {
		return
	}
	own, e := d.pidfdGetfd(t.proc, int32(fd))
	if e != 0 {
		return
	}
	statx(own, emptyString, unix.AT_EMPTY_PATH, mask, st)
	closeFD(own)
}

var emptyString = []byte{0}
