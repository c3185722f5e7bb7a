package eventtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A matcher holds the statements of a run against its events.
type matcher struct {
	in       spec.Profile
	drops    bool
	strict   bool
	unknown  string // flags
	log      *log
	vars     map[string]uint64 // identities, see Var
	failures []string
	matched  int
	judged   func(typ event.Type, failure string) // told of every event that was stated; may be nil
}

func (m *matcher) failf(format string, args ...any) {
	m.failures = append(m.failures, fmt.Sprintf(format, args...))
}

// judge notes what became of a stated event, "" if it came as stated.
func (m *matcher) judge(tid int64, w want, failure string) {
	if failure != "" {
		m.failf("thread %d: %s%s", tid, w.what, failure)
	} else {
		m.matched++
	}
	if m.judged != nil {
		m.judged(w.typ, failure)
	}
}

// A want is one event that must come.
type want struct {
	typ    event.Type
	params map[string]json.RawMessage
	also   map[string]json.RawMessage // looked into first
	what   string
	maybe  bool
}

// run matches everything and returns how many events came as stated.
func (m *matcher) run(list []*statement) int {
	byTID := make(map[int64][]want)
	var tids []int64 // in the order of their first statement
	for _, s := range list {
		if _, ok := byTID[s.TID]; !ok {
			tids = append(tids, s.TID)
		}
		byTID[s.TID] = append(byTID[s.TID], m.wants(s)...)
	}
	for _, tid := range tids {
		m.thread(tid, byTID[tid])
	}
	return m.matched
}

// wants turns a statement into events: enter and exit, as the edition has them.
func (m *matcher) wants(s *statement) (out []want) {
	i := slices.IndexFunc(spec.Events, func(e spec.Event) bool { return e.Ident == s.Event })
	if i < 0 || s.Event == "" {
		m.failf("statement of an unknown event %q", s.Event)
		return nil
	}
	typ, what := event.Type(i), s.What
	if what == "" {
		what = s.Event
	}
	if typ.Enter() {
		if typ.Row().In&m.in == 0 {
			return nil
		}
		return []want{{typ, s.Params, nil, what, s.Maybe}}
	}
	if typ.Row().In&m.in == 0 {
		return m.generic(s, typ, what)
	}
	if e := (typ - 1).Row(); !s.NoEnter && e.In&m.in != 0 && e.Ident != "" {
		out = append(out, want{typ - 1, s.Params, s.Enter, what, s.Maybe})
	}
	if !s.NoExit && !(s.Drops && m.drops) {
		out = append(out, want{typ, s.Params, nil, what, s.Maybe})
	}
	return out
}

// generic is what a call makes in an edition that does not have its event yet.
func (m *matcher) generic(s *statement, typ event.Type, what string) []want {
	pair := strings.TrimSuffix(typ.Row().Ident, "X")
	for i := range spec.Syscalls {
		sc := &spec.Syscalls[i]
		if sc.Event != pair || s.Call != "" && sc.Name != s.Call {
			continue
		}
		if sc.In&m.in == 0 {
			return nil
		}
		nr := sc.X86
		if machine == spec.Arm64 {
			nr = sc.Arm64
		}
		v := map[string]json.RawMessage{"ID": fmt.Append(nil, sc.SC), "nativeID": fmt.Append(nil, nr)}
		return []want{{event.GenericE, v, nil, what, s.Maybe}, {event.GenericX, v, nil, what, s.Maybe}}
	}
	m.failf("%s: no system call makes %s", what, s.Event)
	return nil
}

// ofRuntime reports whether the Go runtime may cause events of a type on any
// thread, whenever it likes.
func (m *matcher) ofRuntime(t event.Type) bool {
	if m.strict {
		return false
	}
	switch t | 1 {
	case event.FutexX, event.MmapX, event.MunmapX, event.NanosleepX, event.GenericX, event.TgkillX, event.EpollWaitX,
		event.SignalDeliverE | 1:
		return true
	}
	return false
}

// thread matches the statements for one thread.
func (m *matcher) thread(tid int64, wants []want) {
	types := make(map[event.Type]bool)
	for _, w := range wants {
		types[w.typ] = true
	}
	var evs []*event.Event
	for _, ev := range window(m.log.byTID[tid]) {
		if types[ev.Type()] {
			evs = append(evs, ev)
		}
	}
	for _, w := range wants {
		evs = m.one(tid, w, evs)
	}
	for _, ev := range evs {
		if !m.ofRuntime(ev.Type()) {
			m.failf("thread %d: an event too many:%s", tid, indent(text(ev)))
		}
	}
}

// one finds the event of a statement and returns the events behind it.
func (m *matcher) one(tid int64, w want, evs []*event.Event) []*event.Event {
	if w.maybe && !slices.ContainsFunc(evs, func(ev *event.Event) bool { return ev.Type() == w.typ }) {
		return evs
	}
	var nearest string
	var nearestBad int
	for i, ev := range evs {
		bad := m.differences(w, ev)
		if len(bad) == 0 {
			for _, x := range evs[:i] {
				if !m.ofRuntime(x.Type()) {
					m.failf("thread %d: before %s (%s), an event too many:%s", tid, w.what, w.typ.Row().Ident, indent(text(x)))
				}
			}
			m.judge(tid, w, "")
			return evs[i+1:]
		}
		if ev.Type() == w.typ && (nearest == "" || len(bad) < nearestBad) {
			nearest, nearestBad = indent(strings.Join(bad, "\n")+"\nin "+text(ev)), len(bad)
		}
		if ev.Type() == w.typ && !m.ofRuntime(w.typ) {
			// In order, the next of its type is the one that was meant.
			m.judge(tid, w, fmt.Sprintf(" (%s):%s", w.typ.Row().Ident, nearest))
			return evs[i+1:]
		}
	}
	if nearest == "" {
		nearest = " there is none"
	} else {
		nearest = " nearest:" + nearest
	}
	m.judge(tid, w, fmt.Sprintf(": no %s as stated;%s", w.typ.Row().Ident, nearest))
	return evs
}

// differences says in what an event differs from what was stated; an event of
// another type differs in that alone.
func (m *matcher) differences(w want, ev *event.Event) (bad []string) {
	if ev.Type() != w.typ {
		return []string{"another event"}
	}
	row := w.typ.Row()
	n := row.NumParams(m.in)
	if ev.NumParams() != n {
		return []string{fmt.Sprintf("%d parameters, want %d", ev.NumParams(), n)}
	}
	for i := range row.Params[:n] {
		p := &row.Params[i]
		raw, ok := w.also[p.Name]
		if !ok {
			raw = w.params[p.Name]
		}
		if size := p.Type.Size(); size != 0 && len(ev.Param(i)) != 0 && len(ev.Param(i)) != size {
			bad = append(bad, fmt.Sprintf("%s: %d bytes, want %d", p.Name, len(ev.Param(i)), size))
		} else if d := m.compare(p, raw, ev.Param(i)); d != "" {
			bad = append(bad, p.Name+": want "+clip(d, 300))
		}
	}
	return bad
}

// Marks around what a case does: dup3 of these, which fails.
const (
	markBegin = -7777
	markEnd   = -7778
)

// window returns the events between the marks of a thread, all if it has none.
func window(evs []*event.Event) []*event.Event {
	var out []*event.Event
	marked, open := false, false
	for _, ev := range evs {
		if ev.Type()|1 == event.Dup3X {
			switch old, _ := ev.Int(ev.NumParams() - 3); {
			case ev.Type() == event.Dup3E:
				old, _ = ev.Int(0)
				if old == markBegin || old == markEnd {
					continue
				}
			case old == markBegin:
				marked, open = true, true
				continue
			case old == markEnd:
				marked, open = true, false
				continue
			}
		}
		if open {
			out = append(out, ev)
		}
	}
	if !marked {
		return evs
	}
	return out
}

// text shows an event, long values cut.
func text(ev *event.Event) string {
	return clip(string(event.AppendText(nil, ev)), 1000)
}

// clip cuts what is too long for a message.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "..."
	}
	return s
}
