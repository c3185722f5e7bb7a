package bpf

import (
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// What is done about a call, bits of a row's want (modern/config.h: enum call_want).
const (
	wantEnter = 1 << iota
	wantExit
	stateOnly
	isSocketcall
	compatEnter
	compatExit
)

// Sizes of the probe's tables (modern/config.h).
const (
	numCalls       = 512
	numSocketcalls = 21
)

// A selection is what the probe is told to send: rows by number, and the events
// that these rows have, each of which needs its program.
type selection struct {
	in     spec.Profile
	events event.Set
	need   event.Set // what readers need to name the processes and descriptors of events

	native, compat [numCalls]modernCallRow
	socket         [numSocketcalls]modernCallRow
	programs       map[event.Type]bool
}

// newSelection lays out the tables for a choice of events.
func newSelection(in spec.Profile, events event.Set) *selection {
	s := &selection{in: in, events: events, need: event.Needs(events, in), programs: make(map[event.Type]bool)}
	native, compat := event.Native(machine, in), event.I386(in)
	for nr := range uint64(numCalls) {
		s.native[nr] = s.row(native.Lookup(nr), int(nr))
		if machine != spec.X86 {
			continue
		}
		if c := compat.Lookup(nr); c != nil {
			s.compat[nr] = s.row(c, numberOf(c, nr))
		}
	}
	if machine == spec.X86 {
		s.socketcall()
	}
	for nr := range s.compat {
		s.native[nr].Want |= compatBits(s.compat[nr].Want)
	}
	for _, r := range s.socket {
		s.native[socketcallNumber].Want |= compatBits(r.Want)
	}
	return s
}

// compatBits are the bits that say the same of the 32-bit call of a number.
func compatBits(want uint8) uint8 { return want & (wantEnter | wantExit) * compatEnter }

// want says what is done about a call or tracepoint; events that only readers'
// state needs are marked.
func (s *selection) want(sc uint16) uint8 {
	switch {
	case s.events.Has(sc):
		return wantExit
	case s.need.Has(sc):
		return wantExit | stateOnly
	}
	return 0
}

// numberOf returns the number that an i386 call is shown with: that in the 64-bit
// table, or its own if it is not there.
func numberOf(c *spec.Syscall, i386 uint64) int {
	if c.X86 >= 0 {
		return int(c.X86)
	}
	return int(i386)
}

// row is the row of a call with a number to show.
func (s *selection) row(c *spec.Syscall, number int) modernCallRow {
	if c == nil || c.In&s.in == 0 {
		return modernCallRow{}
	}
	enter, exit := event.Pair(c, s.in)
	r := modernCallRow{Sc: c.SC, Exit: uint16(exit), Number: uint16(max(number, 0)), Want: s.want(c.SC), Drop: uint8(c.Drop)}
	if r.Want == 0 {
		return r
	}
	s.programs[exit] = true
	if enter.Row().In&s.in != 0 && (r.Want&stateOnly == 0 || event.NeedsEnter(s.in)) {
		r.Want |= wantEnter
		s.programs[enter] = true
	}
	return r
}

// socketcallNumber is the i386 call that stands for all socket calls (socketcall(2)):
// its first argument selects one of socketcalls.
const socketcallNumber = 102

// socketcalls names the calls by their code, from 1 (linux/net.h: SYS_SOCKET...).
var socketcalls = [numSocketcalls]string{"",
	"socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "send", "recv",
	"sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
}

func (s *selection) socketcall() {
	for code, name := range socketcalls {
		c := spec.FindSyscall(name)
		if c == nil {
			continue
		}
		s.socket[code] = s.row(c, numberOf(c, socketcallNumber))
		if s.socket[code].Want != 0 {
			s.compat[socketcallNumber].Want |= isSocketcall
		}
	}
}

// any reports whether a row has a bit of want.
func (s *selection) any(bit uint8) bool {
	for _, table := range [][]modernCallRow{s.native[:], s.compat[:], s.socket[:]} {
		for i := range table {
			if table[i].Want&bit != 0 {
				return true
			}
		}
	}
	return false
}
