package ptrace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envPlaced makes a test binary a tracee that looks where it may run, and says what is
// wrong in the file of that name. Its children say it on standard output.
const (
	envPlaced      = "LANNER_PTRACE_PLACED"
	envPlacedWhere = "LANNER_PTRACE_PLACED_WHERE" // what its affinity should be
	envPlacedChild = "LANNER_PTRACE_PLACED_CHILD"
)

// placed compares what the calls say, what /proc says, and what threads and children
// inherit, all the time making other calls, as those are what places a tracee.
func placed() {
	if os.Getenv(envPlacedChild) != "" {
		fmt.Print(affinity())
		os.Exit(0)
	}
	report := os.Getenv(envPlaced)
	if report == "" {
		return
	}
	compare := func(what, got, want string) {
		if got != want {
			os.WriteFile(report, fmt.Appendf(nil, "%s: %s, not %s", what, got, want), 0o600)
			os.Exit(1)
		}
	}
	want, allowed := os.Getenv(envPlacedWhere), cpusAllowed()
	for range 20 {
		for range 50 {
			unix.Getppid()
			compare("sched_getaffinity", affinity(), want)
			compare("/proc/self/status", cpusAllowed(), allowed)
		}
		var threads sync.WaitGroup
		threads.Go(func() {
			runtime.LockOSThread() // and so the thread ends with the goroutine
			compare("a new thread", affinity(), want)
		})
		threads.Wait()
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{envPlacedChild + "=1"}
		out, err := cmd.CombinedOutput()
		compare("a child", fmt.Sprint(string(out), err), fmt.Sprint(want, nil))
	}
	runtime.LockOSThread()
	var one unix.CPUSet
	one.Set(0)
	unix.SchedSetaffinity(0, &one)
	want = affinity()
	for range 200 {
		unix.Getppid()
		compare("after sched_setaffinity", affinity(), want)
	}
	os.Exit(0)
}

func affinity() string {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", set[:2])
}

func cpusAllowed() string {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(string(text), "Cpus_allowed:")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// TestPlace: tracees that are kept beside us do not see it, and what they choose
// themselves holds.
func TestPlace(t *testing.T) {
	needPlace(t)
	for _, events := range []string{"default", "all"} {
		t.Run(events, func(t *testing.T) {
			report := filepath.Join(t.TempDir(), "report")
			done := make(chan error)
			go func() { done <- tracePlaced(events, report) }()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// needPlace skips a test where places are not ours to choose. The caller keeps its thread,
// whose affinity changes.
func needPlace(t *testing.T) *place {
	t.Helper()
	runtime.LockOSThread()
	p := &place{}
	if p.ready(); !p.able {
		t.Skip("there is one CPU, or someone has chosen where this test runs")
	}
	return p
}

// tracePlaced traces it with tracees beside us from first to last.
func tracePlaced(events, report string) error {
	set, err := event.ParseSet(events, spec.Current)
	if err != nil {
		return err
	}
	d, err := New(Config{Profile: spec.Current, Events: set, Snaplen: 80})
	if err != nil {
		return err
	}
	if err := d.Start("/proc/self/exe", []string{"placed"}, []string{envPlaced + "=" + report, envPlacedWhere + "=" + affinity()}, func(int) error { return nil }); err != nil {
		return err
	}
	d.spinner.left = math.MaxInt // trials of this way
	var ev event.Event
	joined := false
	for err == nil {
		joined = joined || d.spinner.place.here
		err = d.ReadInto(&ev)
	}
	if err != io.EOF {
		return err
	}
	said, _ := os.ReadFile(report)
	switch status, _ := d.Status(); {
	case status.ExitStatus() != 0:
		return fmt.Errorf("status %#x; the tracee says: %s", int(status), said)
	case !joined:
		return errors.New("tracees never joined us")
	case d.spinner.place.able:
		return errors.New("a tracee chose its place, and it is still ours to choose")
	}
	return nil
}

// TestPlaceGivesBack: a task gets its CPUs back when another one joins, when it does
// not stop for a while, and not where someone else has chosen for it.
func TestPlaceGivesBack(t *testing.T) {
	p := needPlace(t)
	var tids [2]int
	for i := range tids {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		tids[i] = cmd.Process.Pid
	}
	p.settle()
	var other unix.CPUSet
	for cpu := range 1024 {
		if p.ours.IsSet(cpu) && !p.one.IsSet(cpu) {
			other.Set(cpu)
			break
		}
	}
	want := func(what string, i int, where unix.CPUSet) {
		t.Helper()
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(tids[i], &got); err != nil || got != where {
			t.Errorf("%s: %x, not %x (%v)", what, got[:2], where[:2], err)
		}
	}
	p.resuming(tids[0], true)
	want("joined", 0, p.one)
	p.resuming(tids[1], true)
	want("another one joined", 0, p.ours)
	want("joined", 1, p.one)
	p.resuming(tids[1], false)
	want("may not be joined", 1, p.ours)
	p.resuming(tids[1], true)
	time.Sleep(20 * restless)
	want("did not stop for long", 1, p.ours)
	p.resuming(tids[0], true)
	if err := unix.SchedSetaffinity(tids[0], &other); err != nil {
		t.Fatal(err)
	}
	p.resuming(tids[1], true)
	want("chosen by someone else", 0, other)
	p.resuming(tids[0], true)
	want("chosen by someone else", 0, other)
	want("another one stopped", 1, p.ours)
	if p.able || p.here {
		t.Error("places are still ours to choose")
	}
}
