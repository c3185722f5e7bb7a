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
// virtual machine, where an idle CPU is given back to the host. So the driver
// looks for a report for a while before it sleeps, as long as that pays: on one
// CPU, or on a busy machine, the tracee would wait for the CPU that we look with.

const (
	lookFor    = 100 * time.Microsecond // of looking before sleeping
	looksATime = 8                      // between two readings of the clock
	trial      = 64                     // waits, after which looking is judged
	goodTrial  = trial / 4              // hits that it must have then
	offStops   = 512                    // stops without looking after a bad judgement
)

// A spinner decides whether to look before sleeping.
type spinner struct {
	allowed bool
	tries   int
	hits    int
	off     int // stops left without looking
}

// next waits for a report, see wait.
func (s *spinner) next() (tid int, status unix.WaitStatus, e syscall.Errno) {
	if !s.allowed {
		return wait(true)
	}
	if s.off > 0 {
		s.off--
		return wait(true)
	}
	for start := time.Now(); ; {
		for range looksATime {
			if tid, status, e = wait(false); tid != 0 || e != 0 {
				s.judge(1)
				return tid, status, e
			}
		}
		if time.Since(start) > lookFor {
			break
		}
		yield()
	}
	s.judge(0)
	return wait(true)
}

// judge counts a look that found a report, or none.
func (s *spinner) judge(hit int) {
	s.tries++
	s.hits += hit
	if s.tries < trial {
		return
	}
	if s.hits < goodTrial {
		s.off = offStops
	}
	s.tries, s.hits = 0, 0
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
