package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// parseCPUs reads a list like 0-3,6, as taskset(1) takes it.
func parseCPUs(list string) (cpus []int, err error) {
	for _, word := range strings.Split(list, ",") {
		from, to, isRange := strings.Cut(word, "-")
		a, err := strconv.Atoi(from)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(to)
		}
		// 1024 is what a unix.CPUSet holds (CPU_SETSIZE).
		if err != nil || a < 0 || b < a || b >= 1024 {
			return nil, fmt.Errorf("-cpus %s: %q is not a CPU nor a range of them", list, word)
		}
		for ; a <= b; a++ {
			cpus = append(cpus, a)
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

// pin gives this process, and so all it starts, an affinity. The kernel knows
// affinities of threads only, and the runtime has started some by now: the
// program executes itself anew from a thread that has the right one.
func pin(list string) error {
	cpus, err := parseCPUs(list)
	if err != nil {
		return err
	}
	var want, have unix.CPUSet
	for _, n := range cpus {
		want.Set(n)
	}
	if err := unix.SchedGetaffinity(0, &have); err != nil {
		return fmt.Errorf("read affinity: %w", err)
	}
	if have == want {
		return nil
	}
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &want); err != nil {
		return fmt.Errorf("-cpus %s: %w", list, err)
	}
	// The kernel leaves out CPUs that do not exist (kernel/sched/syscalls.c:
	// __sched_setaffinity); without this check that would go on forever.
	if err := unix.SchedGetaffinity(0, &have); err != nil || have != want {
		return fmt.Errorf("-cpus %s: not all of these may be used", list)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", self, syscall.Exec(self, os.Args, os.Environ()))
}
