package ptrace

import (
	"bytes"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A tracee that is let go is woken on an idle CPU if there is one, and wakes us on
// another when it stops (kernel/sched/fair.c:select_idle_sibling). In a virtual
// machine, where an idle CPU is given back to the host, each of these costs several
// times what we do in between; on one CPU it is a change of context. The kernel puts a
// task on the CPU that we want only if it may run on no other. So the tracee that is at
// work joins us: as long as it is the one that stops, it may run on our CPU alone. It
// gets its own CPUs back when another one stops, when it does not stop for a while, and
// before a call that would show it where it may run or make tasks that inherit it.
// Who reads /proc/PID/status, which says so too, never joins: see looksAtPlace.

// restless is how long a task that does not stop may stay joined, up to twice.
const restless = 5 * time.Millisecond

// A place decides where tracees run.
type place struct {
	able bool        // it may be done at all
	here bool        // it is done: we are on one CPU, and tracees join us
	tid  int         // of our thread
	ours unix.CPUSet // where we and tracees may run
	one  unix.CPUSet // our CPU

	// What follows is shared with the timer.
	mu     sync.Mutex
	found  unix.CPUSet // scratch memory
	joined int         // task, 0 if none
	stops  int         // that tasks were resumed from
	seen   int         // of these by the timer
	timer  *time.Timer
	armed  bool
}

// everyCPU is the affinity of a task that never asked for one: cpusets then limit
// it, now and later, alone (kernel/sched/syscalls.c:__sched_setaffinity).
var everyCPU = func() (set unix.CPUSet) {
	set.Fill()
	return set
}()

// ready finds out whether the place of a command's tree can be ours to choose: if no
// one has chosen it before.
func (p *place) ready() {
	if unix.SchedGetaffinity(0, &p.ours) != nil || p.ours.Count() < 2 || unix.SchedSetaffinity(0, &everyCPU) != nil {
		return
	}
	if unix.SchedGetaffinity(0, &p.found) != nil || p.found != p.ours {
		unix.SchedSetaffinity(0, &p.ours)
		return
	}
	p.able, p.tid = true, unix.Gettid()
	p.timer = time.AfterFunc(time.Hour, p.look)
	p.timer.Stop()
}

// settle makes the CPU that we are on the one to join us on.
func (p *place) settle() {
	if p.here || !p.able {
		return
	}
	var cpu uint32
	unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	p.one.Zero()
	p.one.Set(int(cpu))
	p.here = unix.SchedSetaffinity(0, &p.one) == nil
}

// leave lets the scheduler choose again.
func (p *place) leave() {
	if p.here {
		p.mu.Lock()
		p.scatter()
		p.mu.Unlock()
		unix.SchedSetaffinity(0, &everyCPU)
		p.here = false
	}
}

// giveUp is for trees in which someone else chooses places.
func (p *place) giveUp() {
	p.leave()
	p.able = false
}

// resuming is called before a task runs on; joins says whether it may join us.
func (p *place) resuming(tid int, joins bool) {
	if !p.here {
		return
	}
	p.mu.Lock()
	p.stops++
	if !joins || p.joined != tid {
		p.scatter()
	}
	moved := joins && p.joined == 0 && !p.join(tid)
	p.mu.Unlock()
	if moved {
		p.giveUp()
	}
}

// join takes a task to our CPU. It is false if someone from outside has chosen another
// place for it. Tasks of other users are for CAP_SYS_NICE to move. The caller holds mu.
func (p *place) join(tid int) bool {
	if unix.SchedGetaffinity(tid, &p.found) != nil {
		return true
	}
	if p.found != p.ours {
		return false
	}
	if unix.SchedSetaffinity(tid, &p.one) == nil {
		p.joined = tid
		if !p.armed {
			p.armed, p.seen = true, p.stops
			p.timer.Reset(restless)
		}
	}
	return true
}

// scatter gives the joined task its CPUs back, or leaves it those that someone else
// has chosen meanwhile: a choice that cpusets made they made for us as well. The caller
// holds mu.
func (p *place) scatter() {
	if p.joined == 0 {
		return
	}
	var where unix.CPUSet
	unix.SchedGetaffinity(p.joined, &where)
	if where == p.one || unix.SchedGetaffinity(p.tid, &p.found) == nil && p.found != p.one {
		where = everyCPU
	}
	unix.SchedSetaffinity(p.joined, &where)
	p.joined = 0
}

// look is called by the timer: who does not stop any more need not wait for our CPU.
func (p *place) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stops == p.seen {
		p.scatter()
	}
	p.seen = p.stops
	if p.armed = p.joined != 0; p.armed {
		p.timer.Reset(restless)
	}
}

// forget is for a task that ended, or, with a new id, one that took another's
// (execve by a thread).
func (p *place) forget(tid, now int) {
	p.mu.Lock()
	if p.joined == tid {
		p.joined = now
	}
	p.mu.Unlock()
}

// showsPlace reports whether a call tells where a task may run, changes it, or makes
// tasks that inherit it.
func showsPlace(s *spec.Syscall, exit event.Type) bool {
	return isClone(exit) || s.Name == "sched_getaffinity" || s.Name == "sched_setaffinity"
}

// looksAtPlace reports whether a file that a tracee opened may be a status file of
// /proc, which says where tasks may run.
func looksAtPlace(path []byte) bool {
	return bytes.HasSuffix(path, []byte("status\x00"))
}
