package output

import (
	"cmp"
	"slices"

	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Summary counts events instead of showing them: by their type, by process, and by
// the file or connection that they are about. It is a Writer of which Report tells
// what there was. Its memory is bounded: see maxTallies.
type Summary struct {
	types, processes, files, connections group

	total       uint64
	first, last uint64         // times, ns since the epoch
	began       map[int64]call // by thread, of which only the enter event came
	r           renderer
	name        []byte
}

// A call that has begun.
type call struct {
	typ event.Type
	ts  uint64 // ns since the epoch
}

// A Tally counts the events of one type, process, file or connection.
type Tally struct {
	Name    string `json:"name"`
	PID     int64  `json:"pid,omitempty"` // of a process
	Events  uint64 `json:"events"`
	Errors  uint64 `json:"errors"`  // calls that failed
	Read    uint64 `json:"read"`    // bytes that calls returned
	Written uint64 `json:"written"` // bytes that calls took
	Time    uint64 `json:"ns"`      // in calls of which the enter event came too
}

// A Report is what a Summary has counted, the busiest first: types and processes by
// events, files and connections by bytes.
type Report struct {
	Total       uint64  `json:"total"` // events
	First       uint64  `json:"first"` // time of the earliest event, ns since the epoch
	Last        uint64  `json:"last"`  // of the latest
	Events      []Tally `json:"events"`
	Processes   []Tally `json:"processes"`
	Files       []Tally `json:"files"`
	Connections []Tally `json:"connections"`
}

// Others is the name under which the least busy are counted where there are more
// than are kept apart.
const Others = "(others)"

// maxTallies is how many of a kind are kept apart.
const maxTallies = 1 << 16

// NewSummary returns an empty Summary.
func NewSummary() *Summary { return &Summary{began: make(map[int64]call)} }

// Write counts an event.
func (s *Summary) Write(ev *event.Event, st *state.State) error {
	s.r.next(ev, st)
	if s.total++; s.total == 1 {
		s.first, s.last = ev.TS(), ev.TS()
	}
	s.first, s.last = min(s.first, ev.TS()), max(s.last, ev.TS())

	s.name = appendType(s.name[:0], &s.r)
	one := s.tally()
	s.types.named(s.name).add(one)
	if t := st.Thread(); t != nil && t.Proc.PID >= 0 {
		p := s.processes.of(t.Proc.PID)
		p.add(one)
		if name := t.Proc.Name(); name != p.Name {
			s.name = appendClean(s.name[:0], name)
			p.Name = string(s.name)
		}
	}
	if from, to, ok := s.copied(); ok {
		in, out := one, one
		in.Written, out.Read = 0, 0
		s.about(from, in)
		s.about(to, out)
	} else {
		s.about(st.FD(), one)
	}
	return nil
}

// about counts an event for what a descriptor refers to.
func (s *Summary) about(f *state.FD, one Tally) {
	if f == nil || f.Name == "" {
		return
	}
	s.name = appendClean(s.name[:0], f.Name)
	switch {
	case f.IsFile():
		s.files.named(s.name).add(one)
	case f.IsInet():
		s.connections.named(s.name).add(one)
	}
}

// copying are the names of the two descriptors of calls that copy from one to another.
var copying = [...][2]string{{"fdin", "fdout"}, {"in_fd", "out_fd"}, {"fd_in", "fd_out"}}

// copied returns the descriptors of such a call.
func (s *Summary) copied() (from, to *state.FD, ok bool) {
	t := s.r.thread
	if t == nil || s.r.row == nil || s.r.row.Flags&spec.UsesFD == 0 {
		return nil, nil, false
	}
	for _, names := range copying {
		if i, j := s.r.find(names[0]), s.r.find(names[1]); i >= 0 && j >= 0 {
			in, _ := s.r.ev.Int(i)
			out, _ := s.r.ev.Int(j)
			return t.FD(in), t.FD(out), true
		}
	}
	return nil, nil, false
}

// tally counts the event at hand.
func (s *Summary) tally() Tally {
	t := Tally{Events: 1, Time: s.took()}
	if s.r.ev.Type().Enter() {
		return t
	}
	res, ok := s.r.result()
	if ok && res < 0 {
		t.Errors = 1
	}
	switch s.r.ev.Type() {
	case event.SendmmsgX, event.RecvmmsgX: // one event a message; the result counts them
		if i := s.r.find("size"); res > 0 && i >= 0 {
			res, ok = s.r.ev.Int(i)
		}
	}
	if !ok || res < 0 {
		return t
	}
	_, _, both := s.copied()
	if both || s.r.has(spec.ReadsFromFD) {
		t.Read = uint64(res)
	}
	if both || s.r.has(spec.WritesToFD) {
		t.Written = uint64(res)
	}
	return t
}

// took returns how long the call took that ends with the event at hand, 0 if nobody can
// tell: most calls of edition Current have no enter event.
func (s *Summary) took() uint64 {
	ev := s.r.ev
	if s.r.row == nil || s.r.row.Category&spec.OfSyscall == 0 {
		return 0
	}
	if ev.Type().Enter() {
		if len(s.began) >= maxTallies { // of threads that ended in a call
			clear(s.began)
		}
		s.began[ev.TID()] = call{ev.Type(), ev.TS()}
		return 0
	}
	b, ok := s.began[ev.TID()]
	delete(s.began, ev.TID())
	if !ok || b.typ|1 != ev.Type() || ev.TS() < b.ts {
		return 0
	}
	return ev.TS() - b.ts
}

// Flush implements Writer. There is nothing to write before the end.
func (s *Summary) Flush() error { return nil }

// Report returns what was counted so far.
func (s *Summary) Report() *Report {
	byEvents := func(t *Tally) uint64 { return t.Events }
	byBytes := func(t *Tally) uint64 { return t.Read + t.Written }
	return &Report{
		Total: s.total, First: s.first, Last: s.last,
		Events: s.types.sorted(byEvents), Processes: s.processes.sorted(byEvents),
		Files: s.files.sorted(byBytes), Connections: s.connections.sorted(byBytes),
	}
}

func (t *Tally) add(o Tally) {
	t.Events += o.Events
	t.Errors += o.Errors
	t.Read += o.Read
	t.Written += o.Written
	t.Time += o.Time
}

// A group is the tallies of one kind, by name or by process id.
type group struct {
	byName map[string]*Tally
	byPID  map[int64]*Tally
	others Tally
}

func (g *group) named(name []byte) *Tally {
	if t := g.byName[string(name)]; t != nil {
		return t
	}
	if g.byName == nil {
		g.byName = make(map[string]*Tally)
	}
	shrink(g, g.byName)
	t := &Tally{Name: string(name)}
	g.byName[t.Name] = t
	return t
}

func (g *group) of(pid int64) *Tally {
	if t := g.byPID[pid]; t != nil {
		return t
	}
	if g.byPID == nil {
		g.byPID = make(map[int64]*Tally)
	}
	shrink(g, g.byPID)
	t := &Tally{PID: pid}
	g.byPID[pid] = t
	return t
}

// shrink makes room in a full map: the less busy half become others.
func shrink[K comparable](g *group, m map[K]*Tally) {
	if len(m) < maxTallies {
		return
	}
	counts := make([]uint64, 0, len(m))
	for _, t := range m {
		counts = append(counts, t.Events)
	}
	slices.Sort(counts)
	middle, gone := counts[len(counts)/2], 0
	for k, t := range m {
		if t.Events <= middle && gone < maxTallies/2 {
			g.others.add(*t)
			delete(m, k)
			gone++
		}
	}
}

// sorted returns the tallies, the largest first, others last.
func (g *group) sorted(by func(*Tally) uint64) []Tally {
	list := make([]Tally, 0, len(g.byName)+len(g.byPID)+1)
	for _, t := range g.byName {
		list = append(list, *t)
	}
	for _, t := range g.byPID {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(by(&b), by(&a)), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Name, b.Name), cmp.Compare(a.PID, b.PID))
	})
	if g.others.Events > 0 {
		g.others.Name = Others
		list = append(list, g.others)
	}
	return list
}
