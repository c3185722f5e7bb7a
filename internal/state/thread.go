package state

import (
	"slices"

	"github.com/lannerhq/lanner/kernel/event"
)

// NA is shown for what is not known.
const NA = "<NA>"

// NoID is the user or group id of a thread of which none is known.
const NoID = ^uint32(0)

// A Thread is one thread. Its fields are for reading only.
type Thread struct {
	TID, VTID          int64 // VTID: in its own PID namespace; -1 if unknown
	Proc               *Process
	Comm               string
	UID, GID, LoginUID uint32 // NoID if unknown or none
	VMSize, VMRSS      uint32 // KiB
	VMSwap             uint32 // KiB
	MajFault, MinFault uint64
	CapInh, CapPrm     uint64
	CapEff             uint64
	Placeholder        bool // first seen in the middle of its life: nothing but TID is known

	files *files
	fs    *fs
	seen  uint64 // time of its last event
	dead  bool   // a leader that left threads behind

	// The enter event of the call it is in. Its bytes are kept where the exit
	// event does not carry all parameters.
	enterType event.Type
	enterFD   int64 // the call's descriptor, -1 for none
	enterID   uint64
	enterBuf  []byte

	// A clone is told twice, by parent and child; the second must not undo what
	// happened in between.
	born bornBy
}

// bornBy says which events have told of the creation of a thread.
type bornBy uint8

const (
	bornUnknown bornBy = iota
	bornParent         // only the parent's
	bornChild          // only the child's
	bornBoth
)

// A Process is what the threads of a process share.
type Process struct {
	PID, PPID, VPID  int64 // -1 if unknown
	SID, VPGID, PGID int64 // -1 if unknown
	Exe, ExePath     string
	Args, Env        []string
	Cgroups          []string
	FDLimit          int64
	TTY              uint32
	ExeIno           uint64
	Start            uint64 // ns since the epoch, 0 if it existed before the events

	Leader  *Thread // nil if unknown
	threads []*Thread

	parent        *Process // nil if unknown
	children      *Process // first
	prevSib, next *Process
}

// fs is the kernel's fs_struct: what CLONE_FS shares.
type fs struct {
	cwd  string // with a final slash; empty if unknown
	root string
}

// Threads returns how many threads of the process are known to be alive.
func (p *Process) Threads() int {
	n := 0
	for _, t := range p.threads {
		if !t.dead {
			n++
		}
	}
	return n
}

// Parent returns the parent process, nil if it is unknown.
func (p *Process) Parent() *Process { return p.parent }

// Name returns the name of the process: that of its leader.
func (p *Process) Name() string {
	if p.Leader != nil {
		return p.Leader.Comm
	}
	return NA
}

// CWD returns the working directory with a final slash; empty if unknown.
func (t *Thread) CWD() string { return t.fs.cwd }

// Root returns the root directory.
func (t *Thread) Root() string { return t.fs.root }

// FD returns a descriptor of the thread, nil if it is unknown.
func (t *Thread) FD(fd int64) *FD { return t.files.m[fd] }

// NumFDs returns how many descriptors of the thread are known.
func (t *Thread) NumFDs() int { return len(t.files.m) }

// newThread returns an empty thread of an empty process; neither is listed.
func newThread(tid int64) *Thread {
	t := &Thread{
		TID: tid, VTID: -1, Comm: NA, UID: NoID, GID: NoID, LoginUID: NoID,
		files: newFiles(), fs: new(fs), enterFD: -1,
	}
	p := newProcess(-1)
	p.Exe, p.ExePath = NA, NA
	t.Proc = p
	p.threads = append(p.threads, t)
	p.Leader = t
	return t
}

func newProcess(pid int64) *Process {
	return &Process{PID: pid, PPID: -1, VPID: -1, SID: -1, VPGID: -1, PGID: -1, FDLimit: -1}
}

// placeholder lists an entry for a thread of which nothing is known.
func (s *State) placeholder(tid int64) *Thread {
	t := newThread(tid)
	t.Placeholder = true
	s.stats.UnknownThreads++
	s.list(t)
	return t
}

// list makes a thread findable, in place of one that had the same id.
func (s *State) list(t *Thread) {
	if old := s.threads[t.TID]; old != nil && old != t {
		s.remove(old)
	}
	if len(s.threads) >= max(s.Limits.Threads, 2) {
		s.evict(t)
	}
	t.seen = s.now()
	s.threads[t.TID] = t
}

func (s *State) now() uint64 {
	if s.ev == nil {
		return 0
	}
	return s.ev.TS()
}

// join moves a thread to a process.
func (s *State) join(t *Thread, p *Process) {
	if t.Proc == p {
		return
	}
	if t.Proc != nil {
		s.leave(t)
	}
	t.Proc = p
	p.threads = append(p.threads, t)
	if t.TID == p.PID {
		p.Leader = t
	}
}

// leave takes a thread out of its process, and forgets a process that lost its
// last one.
func (s *State) leave(t *Thread) {
	p := t.Proc
	if i := slices.Index(p.threads, t); i >= 0 {
		p.threads = slices.Delete(p.threads, i, i+1)
	}
	if p.Leader == t {
		p.Leader = nil
	}
	if len(p.threads) == 0 {
		s.forget(p)
	}
}

// forget unlists a process; its children keep the id of their parent.
func (s *State) forget(p *Process) {
	if s.procs[p.PID] == p {
		delete(s.procs, p.PID)
	}
	for c := p.children; c != nil; {
		next := c.next
		c.parent, c.prevSib, c.next = nil, nil, nil
		c = next
	}
	p.children = nil
	p.orphan()
}

// orphan takes a process out of its parent's list of children.
func (p *Process) orphan() {
	if p.prevSib != nil {
		p.prevSib.next = p.next
	} else if p.parent != nil && p.parent.children == p {
		p.parent.children = p.next
	}
	if p.next != nil {
		p.next.prevSib = p.prevSib
	}
	p.parent, p.prevSib, p.next = nil, nil, nil
}

// adopt makes pid the parent of a process.
func (s *State) adopt(p *Process, ppid int64) {
	p.PPID = ppid
	parent := s.procs[ppid]
	if parent == p.parent || parent == p {
		return
	}
	p.orphan()
	if parent == nil {
		return
	}
	p.parent = parent
	p.next = parent.children
	if p.next != nil {
		p.next.prevSib = p
	}
	parent.children = p
}

// process returns the process of a pid and lists it if it is new.
func (s *State) process(pid int64) *Process {
	p := s.procs[pid]
	if p == nil {
		p = newProcess(pid)
		s.procs[pid] = p
	}
	return p
}

// remove forgets a thread. The leader of a process stays until its last thread
// has gone, as in the kernel.
func (s *State) remove(t *Thread) {
	p := t.Proc
	if p.Leader == t && len(p.threads) > 1 {
		t.dead = true
		if s.threads[t.TID] != t { // replaced by a new thread of the same id
			s.leave(t)
			t.files.refs--
		}
		return
	}
	if s.threads[t.TID] == t {
		delete(s.threads, t.TID)
	}
	t.files.refs--
	s.leave(t)
	if l := p.Leader; l != nil && l.dead && len(p.threads) == 1 {
		s.remove(l)
	}
}

// evict forgets the threads that were silent for the longest time, an eighth at
// once so that a full table costs little. Placeholders and dead leaders go
// first: they say the least. keep stays.
func (s *State) evict(keep *Thread) {
	all := make([]*Thread, 0, len(s.threads))
	for _, t := range s.threads {
		if t != keep && t != s.thread && t != s.exiting {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *Thread) int {
		if x, y := a.Placeholder || a.dead, b.Placeholder || b.dead; x != y {
			if x {
				return -1
			}
			return 1
		}
		if a.seen < b.seen {
			return -1
		} else if a.seen > b.seen {
			return 1
		}
		return int(a.TID - b.TID)
	})
	n := max(len(s.threads)/8, 1)
	for _, t := range all[:min(n, len(all))] {
		delete(s.threads, t.TID)
		t.files.refs--
		s.leave(t)
		s.stats.EvictedThreads++
	}
}
