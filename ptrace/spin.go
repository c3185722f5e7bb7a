package ptrace

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A tracee's next stop is often only microseconds away, while going to sleep and
// being woken on another CPU costs both sides more than that, most of all in a
// virtual machine, where an idle CPU is given back to the host. So the driver may
// look for a report for a while before it sleeps, or have tracees beside it on its
// own CPU, see place. Which of these pays depends on where the scheduler puts us and
// the tracees, on what else runs, on how many tracees there are to run at once, and
// on the machine. It can only be tried, and so it is, over and over.

const (
	lookFor    = 100 * time.Microsecond // of looking before sleeping
	looksATime = 8                      // between two readings of the clock
	trialLen   = 128                    // reports
	slow       = 2 * lookFor            // what counts as most for a report: then it is not we who are waited for
	minStay    = 4                      // trials
	maxStay    = 128
)

// Ways to wait, those that ask more of the machine behind those that ask less: a way
// must be worth it.
const (
	sleeping = iota
	beside
	looking
	numWays
)

// A spinner decides how to wait, by how long reports take to come.
type spinner struct {
	place place
	spare bool // there is a CPU to look with

	way  int                    // of this trial
	best int                    // of the last round, in which each way had a trial
	next int                    // to be tried in this round
	took [numWays]time.Duration // of the last trials, per report
	n    int                    // reports of this trial
	more int                    // reports since the last that was waited for
	sum  time.Duration
	last time.Time // when a report came
	stay int       // trials in the best way, before the next round
	left int       // of these
}

// start begins with the way that is mostly the best.
func (s *spinner) start() {
	if s.allowed(beside) {
		s.best = beside
	}
	s.use(s.best)
}

func (s *spinner) allowed(way int) bool {
	switch way {
	case beside:
		return s.place.able
	case looking:
		return s.spare
	}
	return true
}

// use takes up a way.
func (s *spinner) use(way int) {
	if way == beside {
		s.place.settle()
	} else {
		s.place.leave()
	}
	s.way = way
}

// wait waits for a report, see wait.
func (s *spinner) wait() (tid int, status unix.WaitStatus, e syscall.Errno) {
	if s.way == looking {
		tid, status, e = look()
	}
	if tid == 0 && e == 0 {
		tid, status, e = wait(true)
	}
	now := time.Now()
	s.sum += min(now.Sub(s.last), slow*time.Duration(1+s.more))
	s.n += 1 + s.more
	s.last, s.more = now, 0
	if s.n >= trialLen {
		s.judge()
	}
	return tid, status, e
}

// look waits for a report without sleeping, and not for long.
func look() (tid int, status unix.WaitStatus, e syscall.Errno) {
	for start := time.Now(); ; {
		for range looksATime {
			if tid, status, e = wait(false); tid != 0 || e != 0 {
				return tid, status, e
			}
		}
		if time.Since(start) > lookFor {
			return 0, 0, 0
		}
		yield()
	}
}

// judge ends a trial and chooses the way of the next.
func (s *spinner) judge() {
	s.took[s.way] = s.sum / time.Duration(s.n)
	s.n, s.sum = 0, 0
	if s.left > 0 {
		s.left--
		return
	}
	for s.next < numWays {
		way := s.next
		s.next++
		if way != s.best && s.allowed(way) {
			s.use(way)
			return
		}
	}
	best := sleeping
	for way := sleeping + 1; way < numWays; way++ {
		if s.allowed(way) && s.took[way] < s.took[best]*15/16 {
			best = way
		}
	}
	if s.stay = min(2*s.stay, maxStay); best != s.best || s.stay == 0 {
		s.stay = minStay
	}
	s.best, s.left, s.next = best, s.stay, 0
	s.use(best)
}

// spareCPU reports whether we may run on a CPU of our own beside a tracee: there
// are two, and no quota that gives us less.
func spareCPU() bool {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil || set.Count() < 2 {
		return false
	}
	// cpu.max is "quota period" or "max period" (cgroup v2); v1 has a file for each.
	if text, err := os.ReadFile("/sys/fs/cgroup/cpu.max"); err == nil {
		f := bytes.Fields(text)
		return len(f) != 2 || !lessThanTwo(f[0], f[1])
	}
	quota, err1 := os.ReadFile("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
	period, err2 := os.ReadFile("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
	return err1 != nil || err2 != nil || !lessThanTwo(bytes.TrimSpace(quota), bytes.TrimSpace(period))
}

// lessThanTwo reports whether a quota is below two CPUs; none at all is "max" or
// negative.
func lessThanTwo(quota, period []byte) bool {
	q, err1 := strconv.ParseInt(string(quota), 10, 64)
	p, err2 := strconv.ParseInt(string(period), 10, 64)
	return err1 == nil && err2 == nil && q > 0 && q < 2*p
}

func yield() { syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
