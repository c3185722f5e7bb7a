package kmod

import (
	"encoding/binary"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// What becomes of an event.
type fate uint8

const (
	leaveOut  fate = iota
	stateOnly      // it is for readers' state, see event.StateOnly
	report
)

// numCalls bounds native numbers (kernel/uapi/syscalls.h: SYSCALL_TABLE_SIZE).
const numCalls = 512

// A choice is what the module is asked for, and what is made of what it sends: it
// knows calls by native number, and 32-bit calls without one can't be turned off.
type choice struct {
	events, need event.Set
	calls        []int // native numbers
	points       uint16
	fates        []fate // by event; generic events are told apart by the call's code
}

// newChoice works out a choice for a set of events.
func newChoice(in spec.Profile, events event.Set) *choice {
	c := &choice{events: events, need: event.Needs(events, in), fates: make([]fate, len(spec.Events))}
	enters := false
	native := event.Native(machine, in)
	for nr := range uint64(numCalls) {
		call := native.Lookup(nr)
		if call == nil || c.fate(call.SC) == leaveOut {
			continue
		}
		c.calls = append(c.calls, int(nr))
		enter, _ := event.Pair(call, in)
		enters = enters || enter.Row().In&in != 0
	}
	c.choosePoints(enters)
	for i := range c.fates {
		c.fates[i] = report // what the module says of itself has no code
	}
	for enter, codes := range event.Codes() {
		best := leaveOut
		for _, sc := range codes {
			best = max(best, c.fate(sc))
		}
		c.fates[enter] = best
		if int(enter)+1 < len(c.fates) {
			c.fates[enter+1] = best
		}
	}
	return c
}

// fate is that of the events of a call or tracepoint.
func (c *choice) fate(sc uint16) fate {
	switch {
	case c.events.Has(sc):
		return report
	case c.need.Has(sc):
		return stateOnly
	}
	return leaveOut
}

func (c *choice) wants(call string) bool { return c.fate(spec.FindSyscall(call).SC) != leaveOut }

// choosePoints selects the tracepoints.
func (c *choice) choosePoints(enters bool) {
	for point, wanted := range map[int]bool{
		pointSysEnter:    enters,
		pointSysExit:     len(c.calls) > 0,
		pointProcExit:    c.fate(event.SCProcExit) != leaveOut,
		pointSwitch:      c.wants("sched_switch"),
		pointFaultUser:   machine == spec.X86 && c.wants("page_fault_user"),
		pointFaultKernel: machine == spec.X86 && c.wants("page_fault_kernel"),
		pointSignal:      c.wants("signal_deliver"),
		pointFork:        machine == spec.Arm64 && c.wants("clone"),
		pointExec:        c.wants("execve"),
	} {
		if wanted {
			c.points |= 1 << point
		}
	}
}

// of returns the fate of an event.
func (c *choice) of(ev *event.Event) fate {
	if ev.Type() > event.GenericX {
		return c.fates[ev.Type()]
	}
	code := ev.Param(0)
	if len(code) != 2 {
		return report
	}
	return c.fate(binary.NativeEndian.Uint16(code))
}
