package differential

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernels compares all drivers on other kernels, with one snaplen: how much of data is
// told each driver's own tests look at.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.Suite(t, k)
			vm.CPUs = 1 // half the work for the tracer
			vm.AddBusybox(t, "cat")
			kmodtest.Build(t, &vm)
			if k.Name != vmtest.Newest { // where the classic probe can't be used
				probetest.Build(t, &vm)
			}
			for _, edition := range []string{"current", "v036"} {
				for _, name := range vm.Test(t, "-test.run=^TestDrivers$/^"+edition+"$", "-test.skip=///^(0|65000)$") {
					if !drivertest.SkipsChildren(k.Arch, name) {
						t.Errorf("%s was skipped", name)
					}
				}
			}
		})
	}
}

// TestDrivers holds all drivers against the module, on the programs of the conformance
// suite: all four look at the same runs.
func TestDrivers(t *testing.T) {
	if !kmodtest.Here() {
		t.Skip("loads modules: for the virtual machines of TestKernels")
	}
	drivers := []string{ModernBPF, ClassicBPF, Module}
	if probetest.Dir() == "" {
		drivers = []string{Module} // since Linux 7 the modern probe loses events, see n_preemptions in docs/drivers.md
	}
	bufferBytes = 8 << 20 // the machine has little memory
	total := make(map[string]*Result)
	leave := func() {
		for at, p := range posts {
			p.Close()
			delete(posts, at)
		}
	}
	defer leave()
	now := ""
	eventtest.Run(t, eventtest.Driver{
		Limits:   eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096},
		AtSign:   true,
		Unjudged: true,
		Only:     func(c *eventtest.Case) bool { return c.ABI != "x32" },
		Skip:     drivertest.SkipChildren, // the tracer knows more
		Trace: func(cfg eventtest.Config, path string, argv, env []string, _ func(*event.Event)) error {
			if edition := cfg.Profile.String(); edition != now {
				leave()
				if err := kmodtest.Load(edition); err != nil {
					return err
				}
				now = edition
			}
			logs, err := watch(cfg, path, argv, env, drivers...)
			if err != nil {
				return err
			}
			if filepath.Base(path) == "signals" {
				logs[0].Ignored = []int64{int64(unix.SIGUSR2), int64(unix.SIGTERM)}
			}
			for _, l := range logs {
				l.forget(event.PageFaultE) // each driver in the kernel sees those of the others' reading
			}
			last := len(logs) - 1
			for _, other := range logs[:last] {
				r := Compare(other, logs[last])
				add(total, other.Driver, r)
				if n := len(r.Differences); n > 0 {
					return fmt.Errorf("%d differences:\n%s", n, strings.Join(r.Differences[:min(n, maxTold)], "\n"))
				}
			}
			return nil
		},
	})
	for name, r := range total {
		t.Logf("module and %s: %d events and %d parameters compared", name, r.Events, r.Params)
		for why, n := range r.Allowed {
			t.Logf("allowed %d times: %s", n, why)
		}
	}
	leave()
	if err := kmodtest.Unload(); err != nil {
		t.Error(err)
	}
}

func add(total map[string]*Result, name string, r *Result) {
	if total[name] == nil {
		total[name] = &Result{Allowed: make(map[string]int)}
	}
	sum := total[name]
	sum.Events += r.Events
	sum.Params += r.Params
	for why, n := range r.Allowed {
		sum.Allowed[why] += n
	}
}

// forget removes the events of a type.
func (l *Log) forget(typ event.Type) {
	for tid, list := range l.byTID {
		l.byTID[tid] = slices.DeleteFunc(list, func(ev *event.Event) bool { return ev.Type() == typ })
	}
}
