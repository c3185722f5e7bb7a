package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// fillProcexitE: status, ret, sig, core, reaper_tid.
func (c *call) fillProcexitE() {
	status := uint64(c.status)
	c.b.PutU64(status)
	c.b.PutU64(status & 0xff00 >> 8)
	sig, core := uint8(0), uint8(0)
	if c.status.Signaled() {
		sig = uint8(status & 0x7f)
	}
	if status&0x80 != 0 {
		core = 1
	}
	c.b.PutU8(sig)
	c.b.PutU8(core)
	c.b.PutS64(c.reaper(c.t))
}

// fillSignaldeliverE: spid, dpid, sig. Which signals tell their sender is the
// contract's choice.
func (c *call) fillSignaldeliverE() {
	si := &c.info
	sig := unix.Signal(si.signo)
	spid := int64(0)
	switch {
	case sig == unix.SIGKILL || sig >= sigRTMin:
		spid = int64(si.pid)
	case sig == unix.SIGCHLD:
		spid = int64(si.pid)
	case si.code <= 0 && (sig == unix.SIGTERM || sig == unix.SIGHUP || sig == unix.SIGINT ||
		sig == unix.SIGTSTP || sig == unix.SIGQUIT):
		spid = int64(si.pid)
	}
	c.b.PutS64(spid)
	c.b.PutS64(int64(c.t.tid))
	c.b.PutU8(uint8(sig))
}

const sigRTMin = 32 // first real-time signal of the kernel

// fillPrctlX: res, option, arg2_str, arg2_int. The string is empty where the
// option has none.
func (c *call) fillPrctlX() {
	c.b.PutS64(c.ret)
	c.b.PutU32(uint32(c.args[0]))
	switch int32(c.args[0]) {
	case unix.PR_SET_NAME, unix.PR_GET_NAME:
		c.putString(c.args[1])
		c.b.PutS64(0)
	case unix.PR_GET_CHILD_SUBREAPER:
		v, _ := c.mem.word(c.args[1], 4)
		c.b.PutEmpty()
		c.b.PutS64(int64(int32(v)))
	default:
		c.b.PutEmpty()
		c.b.PutU64(c.args[1])
	}
}

// Requests of ptrace(2) whose data means something else than a number.
const (
	ptracePeekText   = 1
	ptracePeekData   = 2
	ptracePeekUsr    = 3
	ptraceCont       = 7
	ptraceSingleStep = 9
	ptraceDetach     = 17
	ptraceSyscall    = 24
)

// fillPtraceX: res, addr, data, request, pid.
func (c *call) fillPtraceX() {
	number := func(v uint64) { c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], 0), v)) }
	c.b.PutS64(c.ret)
	if c.ret < 0 {
		number(0)
		number(0)
	} else {
		number(c.args[2])
		switch c.args[0] {
		case ptracePeekText, ptracePeekData, ptracePeekUsr:
			v, _ := c.mem.word(c.args[3], c.long())
			number(v)
		case ptraceCont, ptraceSingleStep, ptraceDetach, ptraceSyscall:
			c.b.PutBytes(append(c.scratch[:0], 1, byte(c.args[3])))
		default:
			number(c.args[3])
		}
	}
	if c.in == spec.Current {
		c.b.PutU16(uint16(c.convPtrace.Convert(c.args[0])))
		c.b.PutS64(int64(int32(c.args[1])))
	}
}

// A limit is a struct rlimit.
type limit struct{ cur, max int64 }

// readLimit reads a struct rlimit with words of size bytes; zeros if it can't be
// read. Limits of compat calls are 32 bits wide, all ones meaning no limit.
func (c *call) readLimit(addr uint64, size int) (l limit) {
	var b [16]byte
	if c.mem.read(addr, b[:2*size]) != 2*size {
		return l
	}
	if size == 4 {
		return limit{wide(le.Uint32(b[:])), wide(le.Uint32(b[4:]))}
	}
	return limit{int64(le.Uint64(b[:])), int64(le.Uint64(b[8:]))}
}

func wide(v uint32) int64 {
	if v == ^uint32(0) {
		return -1
	}
	return int64(v)
}

func (c *call) putLimit(l limit) {
	c.b.PutS64(l.cur)
	c.b.PutS64(l.max)
}

// fillGetrlimitX: res, cur, max, resource.
func (c *call) fillGetrlimitX() {
	l := limit{-1, -1}
	if c.ret >= 0 {
		l = c.readLimit(c.args[1], c.long())
	}
	c.fillLimit(l)
}

// fillSetrlimitX: res, cur, max, resource.
func (c *call) fillSetrlimitX() { c.fillLimit(c.readLimit(c.args[1], c.long())) }

func (c *call) fillLimit(l limit) {
	c.b.PutS64(c.ret)
	c.putLimit(l)
	if c.in == spec.Current {
		c.b.PutU8(uint8(c.convLimit.Convert(c.args[0])))
	}
}

// fillPrlimitX: res, newcur, newmax, oldcur, oldmax, pid, resource. Its limits
// are 64 bits wide in every ABI.
func (c *call) fillPrlimitX() {
	c.b.PutS64(c.ret)
	next, old := limit{-1, -1}, limit{-1, -1}
	if c.ret >= 0 || c.in == spec.Current {
		next = c.readLimit(c.args[2], 8)
	}
	if c.ret >= 0 {
		old = c.readLimit(c.args[3], 8)
	}
	c.putLimit(next)
	c.putLimit(old)
	if c.in == spec.Current {
		c.b.PutS64(int64(int32(c.args[0])))
		c.b.PutU8(uint8(c.convLimit.Convert(c.args[1])))
	}
}
