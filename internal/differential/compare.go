// Package differential compares what two drivers saw of the same run.
//
// In a nutshell: both drivers watch one process tree, each into a Log; Compare
// matches the two logs thread by thread, in order, and compares type and every
// parameter byte for byte. What may differ is declared in allowed.go, each with
// its reason; all else is a Difference. An event that one side lacks, has twice or
// has out of order shows as a gap.
//
// The package knows no driver: its test brings them together.
package differential

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/lannerhq/lanner/kernel/event"
)

// A Log keeps the events of a run, by thread.
type Log struct {
	Driver  string  // its name, for messages
	Ignored []int64 // signals that programs of the run ignore, besides those that all do
	byTID   map[int64][]*event.Event
	n       int
}

// Add copies an event.
func (l *Log) Add(ev *event.Event) {
	own := new(event.Event)
	if _, err := own.Parse(bytes.Clone(ev.Bytes())); err != nil {
		panic(err) // it was parsed before
	}
	own.Flags = ev.Flags
	if l.byTID == nil {
		l.byTID = make(map[int64][]*event.Event)
	}
	l.byTID[own.TID()] = append(l.byTID[own.TID()], own)
	l.n++
}

// Len returns the number of events.
func (l *Log) Len() int { return l.n }

// A Result is what came of a comparison.
type Result struct {
	Events      int            // that both sides have
	Params      int            // compared in them
	Allowed     map[string]int // differences of each reason that is allowed
	Differences []string
}

// Compare holds two logs against each other.
func Compare(a, b *Log) *Result {
	c := comparison{a: a, b: b, r: &Result{Allowed: make(map[string]int)}, ids: newIdentities()}
	tids := make([]int64, 0, len(a.byTID))
	for tid := range a.byTID {
		tids = append(tids, tid)
	}
	for tid := range b.byTID {
		if a.byTID[tid] == nil {
			tids = append(tids, tid)
		}
	}
	slices.Sort(tids)
	for _, tid := range tids {
		c.thread(tid, a.byTID[tid], b.byTID[tid])
	}
	return c.r
}

type comparison struct {
	a, b *Log
	r    *Result
	ids  *identities
}

func (c *comparison) differ(format string, args ...any) {
	c.r.Differences = append(c.r.Differences, fmt.Sprintf(format, args...))
}

// window is how far apart the two sides may be after a gap.
const window = 64

// thread matches the events of one thread. Where types differ, the nearest place
// at which both go on alike is looked for: what lies before is a gap.
func (c *comparison) thread(tid int64, a, b []*event.Event) {
	a, b = c.seen(a, c.b), c.seen(b, c.a)
	for len(a) > 0 && len(b) > 0 {
		if a[0].Type() == b[0].Type() {
			c.event(a[0], b[0], isLast(c.a, a[0], next(a)) && isLast(c.b, b[0], next(b)))
			a, b = a[1:], b[1:]
			continue
		}
		switch {
		case c.seldom(a, c.b):
			a = a[1:]
			continue
		case c.seldom(b, c.a):
			b = b[1:]
			continue
		}
		i, j := resume(a, b)
		c.missing(tid, a, i, c.a, c.b)
		c.missing(tid, b, j, c.b, c.a)
		a, b = a[i:], b[j:]
	}
	c.missing(tid, a, len(a), c.a, c.b)
	c.missing(tid, b, len(b), c.b, c.a)
}

// resume returns how many events to pass over on each side.
func resume(a, b []*event.Event) (int, int) {
	for sum := 1; sum < 2*window; sum++ {
		for i := range min(sum, len(a)-1) + 1 {
			if j := sum - i; j < len(b) && alike(a[i:], b[j:]) {
				return i, j
			}
		}
	}
	return len(a), len(b)
}

// alike reports whether the next events are of the same types.
func alike(a, b []*event.Event) bool {
	for i := range min(3, len(a), len(b)) {
		if a[i].Type() != b[i].Type() {
			return false
		}
	}
	return true
}

// seen returns the events that the other driver must have as well.
func (c *comparison) seen(list []*event.Event, other *Log) []*event.Event {
	return slices.DeleteFunc(slices.Clone(list), func(ev *event.Event) bool {
		why := mustLack(other.Driver, ev)
		if why != "" {
			c.r.Allowed[why]++
		}
		return why != ""
	})
}

// seldom reports whether the other driver may lack the first event of a list.
func (c *comparison) seldom(list []*event.Event, lacks *Log) bool {
	why := mayLack(lacks, list[0], next(list))
	if why != "" {
		c.r.Allowed[why]++
	}
	return why != ""
}

// next returns the event behind the first of a list, nil if there is none.
func next(list []*event.Event) *event.Event {
	if len(list) < 2 {
		return nil
	}
	return list[1]
}

// missing tells of the first n events of a list, which one side has alone.
func (c *comparison) missing(tid int64, list []*event.Event, n int, has, lacks *Log) {
	for i, ev := range list[:n] {
		if !c.seldom(list[i:], lacks) {
			c.differ("thread %d: %s lacks what %s has:\n\t%s", tid, lacks.Driver, has.Driver, event.AppendText(nil, ev))
		}
	}
}

// event compares two events of one type; last says that on both sides the thread has ended
// behind it.
func (c *comparison) event(a, b *event.Event, last bool) {
	c.r.Events++
	if a.NumParams() != b.NumParams() {
		c.differ("%s: %d parameters in %s, %d in %s", name(a), a.NumParams(), c.a.Driver, b.NumParams(), c.b.Driver)
		return
	}
	if a.Flags != b.Flags {
		c.differ("%s: flags %#x in %s, %#x in %s", name(a), a.Flags, c.a.Driver, b.Flags, c.b.Driver)
	}
	row := a.Type().Row()
	for i := range a.NumParams() {
		c.r.Params++
		x, y := a.Param(i), b.Param(i)
		if bytes.Equal(x, y) {
			continue
		}
		if why := c.mayDiffer(a, b, row, i, last); why != "" {
			c.r.Allowed[why]++
			continue
		}
		c.differ("%s: %s differs\n\t%-10s %s\n\t%-10s %s", name(a), row.Params[i].Name,
			c.a.Driver, event.AppendText(nil, a), c.b.Driver, event.AppendText(nil, b))
	}
}

func name(ev *event.Event) string { return ev.Type().Row().Ident }
