package state

import (
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A handler is what Apply does for one event type.
type handler struct {
	do        func(*State)
	operand   int  // parameter that is the event's descriptor, -1 for none
	created   bool // that parameter is the call's result: a new descriptor
	keep      bool // an enter event whose parameters the exit event needs
	unknownOK bool // do also runs without a thread
}

// handlers has an entry for each row.
var handlers = func() []handler {
	all := make([]handler, len(spec.Events))
	for i := range all {
		row, h := &spec.Events[i], &all[i]
		h.operand = operandOf(row)
		h.created = !row.Enter() && row.Flags&spec.CreatesFD != 0 && h.operand == 0
		// Exit events of edition V036 lack the parameters of their enter event.
		h.keep = row.Enter() && row.Category&spec.OfSyscall != 0 && len(row.Params) > 0
		if row.Enter() && row.Category&spec.OfSyscall != 0 {
			h.do = enterHandlers[row.Name]
		} else {
			h.do = exitHandlers[row.Name]
		}
		switch row.Name {
		case "clone", "fork", "vfork", "clone3":
			h.unknownOK = !row.Enter()
		case "procexit", "switch":
			h.unknownOK = true
		}
	}
	return all
}()

// operandOf finds the parameter that says which descriptor an event is about:
// the result of calls that make one, else the first descriptor among the
// arguments.
func operandOf(row *spec.Event) int {
	if !row.Enter() && row.Flags&spec.CreatesFD != 0 {
		if p := row.Params; len(p) > 0 && (p[0].Type == spec.FD || p[0].Type == spec.Errno) {
			return 0
		}
		return -1
	}
	if row.Flags&spec.UsesFD == 0 {
		return -1
	}
	for i := range row.Params {
		if row.Params[i].Type == spec.FD && (row.Enter() || i > 0) {
			return i
		}
	}
	return -1
}

// maxEnter bounds the enter events that are kept, bytes; they have two paths at
// most. Buffers beyond keepEnter are not held on to after the call.
const (
	maxEnter  = 1 << 16
	keepEnter = 1 << 10
)

// operandOfEnter notes the call that the thread is in.
func (s *State) operandOfEnter(h *handler) {
	th := s.thread
	if s.row.Category&spec.OfSyscall == 0 {
		return // a tracepoint inside of a call
	}
	th.enterType, th.enterFD, th.enterID = s.ev.Type(), -1, 0
	if h.operand >= 0 {
		if num, ok := s.ev.Int(h.operand); ok {
			th.enterFD, s.fdNum = num, num
			if s.fd = th.FD(num); s.fd != nil {
				th.enterID = s.fd.id
			}
		}
	}
	th.enterBuf = th.enterBuf[:0]
	if h.keep && len(s.ev.Bytes()) <= maxEnter {
		th.enterBuf = append(th.enterBuf, s.ev.Bytes()...)
	}
}

// operandOfExit finds the descriptor of an exit event, in the event or, where
// the edition leaves it out, in the enter event.
func (s *State) operandOfExit(h *handler) {
	th := s.thread
	in := th.enterType
	s.hasIn = in != 0 && in|1 == s.ev.Type() || isExec(in) && isExec(s.ev.Type())
	if s.hasIn && len(th.enterBuf) > 0 {
		if _, err := s.enter.Parse(th.enterBuf); err != nil {
			s.hasIn = false
		}
	} else if s.hasIn {
		s.enter = event.Event{}
		s.hasIn = false
	}
	if h.operand >= 0 {
		if num, ok := s.ev.Int(h.operand); ok && (!h.created || num >= 0) {
			s.fdNum = num
		}
	}
	if s.fdNum < 0 && s.row.Flags&spec.UsesFD != 0 && in|1 == s.ev.Type() {
		s.fdNum = th.enterFD
	}
	if s.fdNum >= 0 && !h.created {
		s.fd = th.FD(s.fdNum)
	}
}

// isExec reports whether an event belongs to an exec; a successful execveat ends
// with the exit event of execve.
func isExec(t event.Type) bool {
	row := t.Row()
	return t != 0 && row != nil && strings.HasPrefix(row.Name, "execve")
}

// find returns a parameter's bytes and type by its name, from the event or from
// its enter event; nil if neither has it or it is empty in both.
func (s *State) find(name string) ([]byte, spec.Type) {
	if b, t := param(s.ev, s.row, name); len(b) > 0 {
		return b, t
	}
	if s.hasIn {
		return param(&s.enter, s.enter.Type().Row(), name)
	}
	return nil, 0
}

func param(ev *event.Event, row *spec.Event, name string) ([]byte, spec.Type) {
	for i := range row.Params {
		if row.Params[i].Name == name {
			return ev.Param(i), row.Params[i].Type
		}
	}
	return nil, 0
}

// num returns an integer parameter by name.
func (s *State) num(name string) (int64, bool) {
	b, t := s.find(name)
	return event.Int(t, b)
}

// text returns a parameter by name without its final NUL.
func (s *State) text(name string) ([]byte, bool) {
	b, _ := s.find(name)
	if len(b) == 0 {
		return nil, false
	}
	if b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b, true
}

// set copies the text parameter of a name to dst if the event has it.
func (s *State) set(dst *string, name string) {
	if b, ok := s.text(name); ok && string(b) != *dst {
		*dst = string(b)
	}
}

// setInt copies an integer parameter to dst if the event has it.
func setInt[T ~int64 | ~uint64 | ~uint32](s *State, dst *T, name string) {
	if v, ok := s.num(name); ok {
		*dst = T(v)
	}
}

// result returns the result of an exit event, which is its first parameter.
func (s *State) result() (int64, bool) { return s.ev.Int(0) }

// succeeded reports whether the call of an exit event did not fail.
func (s *State) succeeded() bool {
	res, ok := s.result()
	return ok && res >= 0
}
