package stream

import (
	"slices"
	"strings"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A space is a PID namespace, in whose ids events of a tracer are.
type space struct {
	base    int64 // added to its thread ids
	tracers int   // that are there
}

// A spaceKey tells namespaces apart: inodes are unique on one running kernel only, and
// while the namespace is there.
type spaceKey struct {
	boot  string
	pidns uint64
	init  uint64
	alone *peer // of a tracer that does not say where it is

	// Of a tracer that is a server itself: who it is, and its number for the namespace,
	// in the high 32 bits of ids.
	tracer string
	number int64
}

// maxSpaces bounds how many namespaces are remembered, so that a tracer that comes
// back has the ids that it had, and maxNumbers how many a tracer may have.
const maxSpaces, maxNumbers = 1 << 14, 1 << 12

// spaces are the namespaces of tracers, by what they say.
type spaces struct {
	own  spaceKey
	byID map[spaceKey]*space
	last int64
}

func (s *spaces) init() {
	s.own.boot, s.own.pidns = namespace()
	s.byID = make(map[spaceKey]*space)
}

// keyOf returns the key of a namespace by its number in the ids of a tracer, which is 0
// for the tracer's own.
func keyOf(t *Tracer, number int64) spaceKey {
	switch {
	case number != 0 && t.Tracer != "":
		return spaceKey{tracer: t.Tracer, number: number}
	case number != 0 || t.Boot == "" || t.PIDNS == 0:
		return spaceKey{alone: t.peer, number: number}
	}
	return spaceKey{boot: t.Boot, pidns: t.PIDNS, init: t.Init}
}

// join gives a tracer the namespace that has a number in its ids.
func (s *spaces) join(t *Tracer, number int64) *space {
	key := keyOf(t, number)
	if key.boot == s.own.boot && key.pidns == s.own.pidns {
		key = s.own // which is there as long as we are
	}
	sp := s.byID[key]
	if sp == nil {
		sp = new(space)
		if key != s.own {
			s.last++
			sp.base = s.last << 32
		}
		if len(s.byID) >= maxSpaces {
			for k, v := range s.byID {
				if v.tracers == 0 {
					delete(s.byID, k)
				}
			}
		}
		s.byID[key] = sp
	}
	sp.tracers++
	if t.spaces == nil {
		t.spaces = make(map[int64]*space)
	}
	t.spaces[number] = sp
	return sp
}

// leave returns the bases of those namespaces of a tracer of which no other is left.
func (s *spaces) leave(t *Tracer) (gone []int64) {
	for number, sp := range t.spaces {
		if sp.tracers--; sp.tracers > 0 {
			continue
		}
		if sp.base != 0 {
			gone = append(gone, sp.base)
		}
		delete(s.byID, spaceKey{alone: t.peer, number: number})
	}
	slices.Sort(gone)
	return gone
}

// moved are the parameters of each event that hold ids of the tracer's namespace.
// Others, like vtid and what a call was given, are of the namespace of the thread.
var moved = func() [][]int {
	all := make([][]int, len(spec.Events))
	for i := range spec.Events {
		row := &spec.Events[i]
		family := slices.ContainsFunc(row.Params, func(p spec.Param) bool { return p.Name == "ptid" })
		for k, p := range row.Params {
			if p.Type != spec.PID {
				continue
			}
			switch p.Name {
			case "tid", "ptid", "reaper_tid", "next", "dpid":
			case "pid":
				if !family { // an argument of a call
					continue
				}
			case "res": // a new thread's id
				if !family || strings.HasPrefix(row.Name, "exec") {
					continue
				}
			default:
				continue
			}
			all[i] = append(all[i], k)
		}
	}
	return all
}()

// move makes the ids in an event of a tracer those of the server. ev is parsed from the
// bytes that are changed.
func (s *spaces) move(t *Tracer, ev *event.Event) {
	if t.Base == 0 && ev.TID()>>32 <= 0 {
		return
	}
	b := ev.Bytes()
	order.PutUint64(b[8:], uint64(s.id(t, ev.TID())))
	kind := ev.Type()
	if int(kind) >= len(moved) {
		return
	}
	for _, k := range moved[kind] {
		if v := ev.Param(k); len(v) == 8 {
			order.PutUint64(v, uint64(s.id(t, int64(order.Uint64(v)))))
		}
	}
}

// id returns the server's id for one of a tracer. Ids that are none stay.
func (s *spaces) id(t *Tracer, tid int64) int64 {
	number := tid >> 32
	switch {
	case tid <= 0:
		return tid
	case number == 0:
		return t.Base | tid
	}
	sp := t.spaces[number]
	if sp == nil {
		if len(t.spaces) > maxNumbers { // no server has so many; they are mixed
			number = 1
		}
		if sp = t.spaces[number]; sp == nil {
			sp = s.join(t, number)
		}
	}
	return sp.base | tid&(1<<32-1)
}

// moveSnapshot does the same for a snapshot.
func (s *spaces) moveSnapshot(t *Tracer, snap *snapshot.State) {
	for i := range snap.Threads {
		th := &snap.Threads[i]
		th.TID, th.PID, th.PTID = s.id(t, th.TID), s.id(t, th.PID), s.id(t, th.PTID)
	}
}
