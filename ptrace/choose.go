package ptrace

import (
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// numCalls bounds the codes of calls.
const numCalls = 512

// callInfo is what the driver does about a call, by code.
type callInfo struct {
	enter, exit event.Type
	watch       bool        // stop at it
	onEnter     bool        // the edition has an enter event
	noExit      bool        // there is no exit event, see neverReturns
	showsPlace  bool        // see showsPlace
	flags       event.Flags // of its events
}

// tables are the calls of each ABI of the machine.
type tables struct{ native, compat, x32 *event.Syscalls }

// converters are the flag conversions that fillers use.
type converters struct {
	convOpen, convFD, convResolve, convClone, convPoll, convLimit, convPtrace, convLevel, convOption, convSemop,
	convSemctl, convRing, convRingFeat, convQuotaCmd, convQuotaType, convQuotaFmt, convDQI *spec.Converter
}

func newConverters() converters {
	on := func(name string) *spec.Converter { return spec.FindConversion(name).On(machine) }
	return converters{
		convOpen: on("open_flags"), convFD: on("fd_flags"), convResolve: on("openat2_resolve"),
		convClone: on("clone_flags"), convPoll: on("poll_events"), convLimit: on("rlimit_resource"),
		convPtrace: on("ptrace_request"), convLevel: on("sockopt_level"), convOption: on("sockopt_optname"),
		convSemop: on("semop_flags"), convSemctl: on("semctl_cmd"), convRing: on("io_uring_setup_flags"),
		convRingFeat: on("io_uring_features"), convQuotaCmd: on("quotactl_cmd"), convQuotaType: on("quotactl_type"),
		convQuotaFmt: on("quotactl_fmt"), convDQI: on("dqi_flags"),
	}
}

// choose decides what to do about each call: those reported, and those that
// readers of the reported ones need to name processes and descriptors.
func (d *Driver) choose() {
	need := event.Needs(d.cfg.Events, d.in)
	d.keepsFDs, d.seesPlace = true, true
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		if s.In&d.in == 0 || s.Event == "" {
			continue
		}
		c := &d.calls[s.SC]
		c.enter, c.exit = event.Pair(s, d.in)
		reported := d.cfg.Events.Has(s.SC)
		c.onEnter = d.plans[c.enter].used && (reported || event.NeedsEnter(d.in))
		c.showsPlace = showsPlace(s, c.exit)
		c.watch = reported || need.Has(s.SC) || bookkeeping(c.exit) || c.showsPlace
		if c.noExit = neverReturns(s); c.noExit && !c.onEnter {
			c.watch = false // there is nothing to tell
		}
		if !reported {
			c.flags = event.StateOnly
		}
		if c.exit.Row().Flags&(spec.DestroysFD|spec.CreatesFD) != 0 && s.X86 != spec.NoNumber && !c.watch {
			d.keepsFDs = false
		}
		if opens(c.exit) && s.X86 != spec.NoNumber && !c.watch {
			d.seesPlace = false
		}
	}
}

// neverReturns reports whether a call has no exit event. For rt_sigreturn the kernel
// makes the number of the call -1 before it returns (restore_sigcontext in
// arch/x86/kernel/signal_64.c, restore_sigframe in arch/arm64/kernel/signal.c), so no
// driver there can tell which call ended.
func neverReturns(s *spec.Syscall) bool {
	switch s.Name {
	case "exit", "exit_group", "rt_sigreturn", "sigreturn":
		return true
	}
	return false
}

// bookkeeping reports whether the driver itself must see a call, so that cached
// facts stay true.
func bookkeeping(exit event.Type) bool {
	switch exit {
	case event.SetuidX, event.SetgidX, event.SetreuidX, event.SetregidX, event.SetresuidX, event.SetresgidX,
		event.CapsetX, event.SetnsX, event.UnshareX, event.SetrlimitX, event.PrlimitX, event.SeccompX, event.PrctlX,
		event.IOUringSetupX:
		return true
	}
	return false
}
