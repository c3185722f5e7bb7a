package stream

import (
	"slices"
	"strings"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A space is a PID namespace, in whose ids the events of a tracer are.
type space struct {
	base    int64 // added to its thread ids
	tracers int   // that are there
}

// A spaceKey tells namespaces apart: inodes are unique on one running kernel only.
type spaceKey struct {
	boot  string
	pidns uint64
	alone *peer // of a tracer that does not say where it is
}

// maxSpaces bounds how many namespaces are remembered, so that a tracer that comes
// back has the ids that it had.
const maxSpaces = 1 << 14

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

// join returns the namespace of a tracer.
func (s *spaces) join(t *Tracer) *space {
	key := spaceKey{boot: t.Boot, pidns: t.PIDNS}
	if t.Boot == "" || t.PIDNS == 0 {
		key = spaceKey{alone: t.peer}
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
	return sp
}

// leave reports whether no tracer of the namespace is left.
func (s *spaces) leave(t *Tracer) (last bool) {
	t.space.tracers--
	if t.space.tracers > 0 {
		return false
	}
	delete(s.byID, spaceKey{alone: t.peer})
	return true
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

// move makes the ids in an event those of the server. ev is parsed from the bytes
// that are changed.
func (s *space) move(ev *event.Event) {
	if s.base == 0 {
		return
	}
	b := ev.Bytes()
	order.PutUint64(b[8:], uint64(s.id(ev.TID())))
	t := ev.Type()
	if int(t) >= len(moved) {
		return
	}
	for _, k := range moved[t] {
		if v := ev.Param(k); len(v) == 8 {
			order.PutUint64(v, uint64(s.id(int64(order.Uint64(v)))))
		}
	}
}

// id returns the server's id for one of the namespace. Ids that are none stay.
func (s *space) id(tid int64) int64 {
	if tid <= 0 || tid >= 1<<32 {
		return tid
	}
	return s.base | tid
}

// moveSnapshot does the same for a snapshot.
func (s *space) moveSnapshot(snap *snapshot.State) {
	if s.base == 0 {
		return
	}
	for i := range snap.Threads {
		t := &snap.Threads[i]
		t.TID, t.PID, t.PTID = s.id(t.TID), s.id(t.PID), s.id(t.PTID)
	}
}
