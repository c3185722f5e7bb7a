package ptrace

import (
	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event"
)

// clInPIDNS is PPM_CL_CLONE_CHILD_IN_PIDNS: the reporting task's PID namespace is
// not the initial one, or its children will get another one.
const clInPIDNS = 1 << 29

// One filler for each call: they differ in where the flags are.
func (c *call) fillCloneX()  { c.fillClone(c.convClone.Convert(c.args[0])) }
func (c *call) fillForkX()   { c.fillClone(0) }
func (c *call) fillVforkX()  { c.fillClone(0) }
func (c *call) fillClone3X() { c.fillClone(c.convClone.Convert(c.cloneFlags())) }

// cloneFlags returns the kernel's flags of a call that makes a task. They are kept for
// the new task: by the time of its first stop the maker may use its memory for
// something else.
func (c *call) cloneFlags() uint64 {
	if c.clone != 0 {
		return c.clone
	}
	switch c.calls[c.sc.SC].exit {
	case event.CloneX:
		return c.args[0]
	case event.Clone3X:
		v, _ := c.mem.word(c.args[0], 8) // struct clone_args: flags come first
		return v
	case event.VforkX:
		return 0x4100 // CLONE_VFORK | CLONE_VM
	}
	return 0
}

// fillClone: the 21 parameters of all calls that make a task. The event is of
// the child if there is one, else of the caller.
func (c *call) fillClone(flags uint64) {
	t := c.t
	p := t.proc
	c.findSpaces(t)
	st := *c.taskStatFull(t)
	c.b.PutS64(c.ret)
	if c.ret < 0 {
		c.b.PutEmpty() // as the modern probe
		c.b.PutEmpty()
	} else {
		// As they stand in memory now: servers put titles there.
		c.putArgs(c.argv(&st))
	}
	c.b.PutS64(int64(t.tid))
	c.b.PutS64(int64(p.pid))
	c.b.PutS64(int64(st.PPID))
	c.b.PutString("")
	c.b.PutS64(c.openFiles(p))
	c.b.PutU64(st.MajFlt)
	c.b.PutU64(st.MinFlt)
	v := c.sizesFrom(&st)
	c.b.PutU32(v.size)
	c.b.PutU32(v.rss)
	c.b.PutU32(v.swap)
	c.b.PutString(string(t.comm[:t.commN]))
	c.b.PutBytes(c.cgroupsOf(p))
	cr := c.credentials(t)
	if c.inPIDNS || p.nested || p.forks {
		flags |= clInPIDNS
	}
	c.b.PutU32(uint32(flags))
	c.b.PutU32(cr.euid)
	c.b.PutU32(cr.egid)
	vtid, vpid := int64(t.tid), int64(p.pid)
	if p.nested {
		s := c.taskStatus(t)
		vtid, vpid = int64(s.NSPid), int64(s.NSTgid)
	}
	c.b.PutS64(vtid)
	c.b.PutS64(vpid)
	start := uint64(0)
	if c.ret == 0 {
		if p.nested && vpid == 1 {
			p.nsInit = st.StartTime * (1e9 / procfs.TicksPerSecond)
		}
		start = p.nsInit
	}
	c.b.PutU64(start)
}

// sizesFrom takes memory sizes out of a stat file that was read anyway.
func (c *call) sizesFrom(st *procfs.Stat) (v vm) {
	v.size, v.rss = uint32(st.VSize>>10), uint32(st.RSS*c.pageKiB)
	if c.hasSwap {
		v.swap = c.taskStatus(c.t).VMSwap
	}
	return v
}
