package state

import (
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Limits bound the memory of a State.
type Limits struct {
	Threads int // entries of threads
	FDs     int // descriptors of one table
}

// DefaultLimits are what New uses.
var DefaultLimits = Limits{Threads: 1 << 17, FDs: 1 << 16}

// Stats counts what a State could not know.
type Stats struct {
	Threads        int    // known now
	UnknownThreads uint64 // placeholders made for threads first seen in the middle of their life
	EvictedThreads uint64 // forgotten to stay within Limits
	EvictedFDs     uint64
}

// A State is what is known of the traced machine at one event.
type State struct {
	Machine snapshot.Machine
	Limits  Limits

	threads map[int64]*Thread  // by thread id
	procs   map[int64]*Process // by process id
	users   map[uint32]snapshot.User
	groups  map[uint32]snapshot.Group
	stats   Stats

	interfaces []snapshot.Interface // as they were at the start

	lastFD uint64 // serial of the newest descriptor

	// The event just applied.
	ev     *event.Event
	row    *spec.Event
	thread *Thread
	fd     *FD
	fdNum  int64
	enter  event.Event // the enter event that belongs to ev, see args.go
	hasIn  bool        // enter is valid

	// What the next Apply removes.
	closing []closing
	exiting *Thread
}

// closing is a descriptor that the event just applied has closed.
type closing struct {
	files *files
	fd    int64
	id    uint64
}

// New returns a state that starts from snap, which may be nil.
func New(snap *snapshot.State) *State {
	s := &State{
		Limits:  DefaultLimits,
		threads: make(map[int64]*Thread),
		procs:   make(map[int64]*Process),
		users:   make(map[uint32]snapshot.User),
		groups:  make(map[uint32]snapshot.Group),
		fdNum:   -1,
	}
	if snap != nil {
		s.load(snap)
	}
	return s
}

// Stats returns the counters.
func (s *State) Stats() Stats {
	st := s.stats
	st.Threads = len(s.threads)
	return st
}

// Apply updates the state with ev and makes it the event that Thread, FD and
// the rest answer for. The state refers to ev until the next Apply.
func (s *State) Apply(ev *event.Event) {
	s.finish()
	t := ev.Type()
	s.ev, s.row, s.thread, s.fd, s.fdNum, s.hasIn = ev, t.Row(), nil, nil, -1, false
	if s.row == nil {
		return
	}
	if s.row.Category&(spec.Meta|spec.Internal|spec.Plugin) != 0 || s.row.Flags&spec.SkipParserReset != 0 {
		s.thread = s.threads[ev.TID()]
		s.meta()
		return
	}
	if s.row.Category&spec.Iter != 0 {
		return // dumped state of other threads; the header's tid is no thread
	}
	h := &handlers[t]
	s.thread = s.threads[ev.TID()]
	if s.thread == nil {
		if !h.unknownOK {
			s.thread = s.placeholder(ev.TID())
		}
	}
	if th := s.thread; th != nil {
		th.seen = ev.TS()
		if t.Enter() {
			s.operandOfEnter(h)
		} else {
			s.operandOfExit(h)
		}
	}
	if h.do != nil && (s.thread != nil || h.unknownOK) {
		h.do(s)
	}
	if th := s.thread; th != nil && !t.Enter() {
		th.enterType, th.enterFD = 0, -1
		if cap(th.enterBuf) > keepEnter {
			th.enterBuf = nil
		}
	}
}

// finish removes what the event before has destroyed.
func (s *State) finish() {
	for _, c := range s.closing {
		// A descriptor may have been opened anew under the same number.
		if f := c.files.m[c.fd]; f != nil && f.id == c.id {
			delete(c.files.m, c.fd)
		}
	}
	s.closing = s.closing[:0]
	if th := s.exiting; th != nil {
		s.exiting = nil
		s.remove(th)
	}
}

// Thread returns the thread of the event just applied, nil if it has none.
func (s *State) Thread() *Thread { return s.thread }

// FD returns the descriptor that the event just applied is about, nil if it is
// about none or its descriptor is unknown.
func (s *State) FD() *FD { return s.fd }

// FDNum returns the number of that descriptor, -1 if there is none.
func (s *State) FDNum() int64 { return s.fdNum }

// Lookup returns a thread, nil if it is unknown.
func (s *State) Lookup(tid int64) *Thread { return s.threads[tid] }

// LookupProcess returns a process, nil if it is unknown.
func (s *State) LookupProcess(pid int64) *Process { return s.procs[pid] }

// UserName returns the name of a user.
func (s *State) UserName(uid uint32) (string, bool) {
	u, ok := s.users[uid]
	return u.Name, ok
}

// User returns an entry of the user database.
func (s *State) User(uid uint32) (snapshot.User, bool) {
	u, ok := s.users[uid]
	return u, ok
}

// GroupName returns the name of a group.
func (s *State) GroupName(gid uint32) (string, bool) {
	g, ok := s.groups[gid]
	return g.Name, ok
}
