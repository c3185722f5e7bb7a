package bpf

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// envNested says that this process runs in a PID namespace of its own.
const envNested = "LANNER_BPF_NESTED"

// TestNested runs the next test in another PID namespace.
func TestNested(t *testing.T) {
	needsProbe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-pf", "--mount-proc", self, "-test.run=^TestInside$", "-test.count=1")
	cmd.Env = append(os.Environ(), envNested+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestInside: ids are those of our namespace in a scope, and of the initial one in
// events; our own events stay out.
func TestInside(t *testing.T) {
	if os.Getenv(envNested) == "" {
		t.Skip("TestNested runs it")
	}
	opened, tid := false, int64(0)
	drivertest.Trace(t, Open, config(t, "openat"), exec.Command("cat", "/etc/hostname"), func(ev *event.Event) {
		if ev.Type() == event.OpenatX && string(drivertest.Param(t, ev, "name")) == "/etc/hostname\x00" {
			opened = true
		}
		if ev.Type() == event.ExecveX {
			tid = ev.TID()
			if v := drivertest.Number(t, ev, "tid"); v != tid {
				t.Errorf("thread %d is called %d", tid, v)
			}
		}
	})
	if !opened || tid < 20 {
		t.Errorf("opened %v, by %d", opened, tid)
	}

	cfg := config(t, "close")
	cfg.Scope.PIDs = []int{child(t)}
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := d.IDs()
	if err != nil || len(ids) < 2 {
		t.Errorf("%d threads, %v", len(ids), err)
	}
	found := false
	for _, id := range ids {
		if id.Own == uint32(cfg.Scope.PIDs[0]) {
			found = id.TID == id.PID && id.TID != id.Own && id.PPID == idOf(ids, os.Getpid())
		}
	}
	if !found {
		t.Errorf("child %d of %d is not among %+v as it should be", cfg.Scope.PIDs[0], os.Getpid(), ids)
	}
	d.Close()

	cfg = config(t, "getpgid")
	cfg.Scope.Host = true
	if d, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		unix.Getpgid(0)
	}
	d.Stop()
	n := 0
	if err := drivertest.Drain(d, func(ev *event.Event) {
		if ev.Type() == event.GenericX {
			n++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if d.Close(); n >= 100 {
		t.Errorf("%d events of our own", n)
	}
}

// child starts a process that waits for the end of the test.
func child(t *testing.T) (pid int) {
	t.Helper()
	cmd := exec.Command("/bin/cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return cmd.Process.Pid
}

// idOf returns the initial id of a thread; 0 if it has none.
func idOf(ids []driver.IDs, own int) uint32 {
	for _, id := range ids {
		if id.Own == uint32(own) {
			return id.TID
		}
	}
	return 0
}
