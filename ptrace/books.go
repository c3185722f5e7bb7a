package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// keepBooks updates what the driver caches after a call that succeeded.
func (d *Driver) keepBooks(c *call, x event.Type) {
	p := c.t.proc
	switch x {
	case event.CloseX, event.ConnectX, event.BindX, event.ShutdownX:
		p.files.drop(int32(c.args[0]))
	case event.Dup2X, event.Dup3X:
		p.files.drop(int32(c.args[1]))
	case event.CloseRangeX:
		p.files.dropRange(uint32(c.args[0]), uint32(c.args[1]))
	case event.SocketX, event.AcceptX, event.Accept4X, event.OpenX, event.OpenatX, event.DupX:
		p.files.drop(int32(c.ret))
	case event.SetuidX, event.SetgidX, event.SetreuidX, event.SetregidX, event.SetresuidX, event.SetresgidX,
		event.CapsetX:
		c.t.creds.valid = false
	case event.SetnsX:
		c.t.creds.valid, p.spaced = false, false
	case event.UnshareX:
		c.t.creds.valid, p.spaced = false, false
		p.files = newFiles() // CLONE_FILES takes a table of its own; a fresh cache is always right
	case event.SetrlimitX:
		if c.args[0] == unix.RLIMIT_NOFILE {
			d.forgetLimits()
		}
	case event.PrlimitX:
		if c.args[1] == unix.RLIMIT_NOFILE && c.args[2] != 0 {
			d.forgetLimits()
		}
	case event.IOUringSetupX:
		p.files, p.apart = &files{opaque: true}, true
	case event.PrctlX:
		if c.args[0] == unix.PR_SET_SECCOMP {
			c.t.every = true
		}
	case event.SeccompX:
		d.ownFilter(c)
	}
}

// forgetLimits drops cached limits: prlimit changes those of any process.
func (d *Driver) forgetLimits() {
	for _, p := range d.procs {
		p.fdlimit = -1
	}
}

// ownFilter notes that a thread has a seccomp filter of its own. Where that
// answers with an error, a trap or a notification, ours is not heard
// (seccomp(2), precedence of actions), so from now on every call stops.
func (d *Driver) ownFilter(c *call) {
	const setModeFilter, tsync = 1, 1 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
	if c.args[0] > setModeFilter {
		return
	}
	c.t.every = true
	if c.args[1]&tsync != 0 {
		for _, t := range d.threads {
			if t.proc == c.t.proc {
				t.every = true
			}
		}
	}
}
