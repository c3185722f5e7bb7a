package drivertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// Tree counts the processes of a tree that makes many short ones on all CPUs, an even
// number of children, while others come and go outside of it. It ends by itself: the tree is
// empty at last. Events are those of lifecycle.
func Tree[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config, children int) driver.Stats {
	t.Helper()
	defer Noise(t)()
	var starts, ends int
	known := map[int64]bool{}    // threads that an event said were made
	latest := map[int64]uint64{} // time of a thread's last event
	var seen []int64             // whose events they are
	script := fmt.Sprintf("( i=0; while [ $i -lt %d ]; do /bin/true & /bin/true; i=$((i+2)); done; wait ); :", children)
	s := Trace(t, open, cfg, exec.Command("sh", "-c", script), func(ev *event.Event) {
		tid := ev.TID()
		if latest[tid] > ev.TS() {
			t.Errorf("thread %d: %s before what came before it", tid, ev.Type())
		}
		latest[tid] = ev.TS()
		switch ev.Type() {
		case event.ExecveX:
			if Number(t, ev, "res") == 0 && Text(t, ev, "exe") == "/bin/true" {
				starts++
			}
		case event.ProcExitE:
			ends++
			delete(latest, tid) // its id may be another's next
		case event.CloneX, event.Clone3X, event.ForkX, event.VforkX:
			if child := Number(t, ev, "res"); child > 0 {
				known[child] = true
			}
		}
		seen = append(seen, tid)
	})
	if s.Total.Drops() != 0 || s.Total.LostChildren != 0 {
		t.Fatalf("lost: %+v", s.Total)
	}
	if starts != children || ends != children+2 { // two shells
		t.Errorf("%d programs started and %d processes ended, want %d and two more", starts, ends, children)
	}
	for _, tid := range seen {
		if tid != seen[0] && !known[tid] {
			t.Fatalf("an event of thread %d, which the tree did not make", tid)
		}
	}
	return s
}

// Noise makes processes until the function it returns is called.
func Noise(t *testing.T) (stop func()) {
	t.Helper()
	return Background(t, 0, "/bin/sh", "-c", "while :; do /bin/true; done")
}

// Background runs a program, and what it makes, until the function it returns is called.
func Background(t *testing.T, nice int, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, cmd.Process.Pid, nice); err != nil {
		t.Error(err)
	}
	return func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		if err := cmd.Wait(); cmd.ProcessState.Exited() {
			t.Errorf("%s has ended by itself: %v", name, err)
		}
	}
}

// Host sees all processes but its own.
func Host[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config) {
	t.Helper()
	cfg.Scope.Host = true
	d, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	var theirs int
	if err := Drain(d, func(ev *event.Event) {
		if ev.TID() == int64(os.Getpid()) {
			t.Errorf("an event of our own: %s", ev.Type())
		}
		if ev.TID() == int64(cmd.Process.Pid) {
			theirs++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if theirs < 10 {
		t.Errorf("%d events of a program that ran", theirs)
	}
}

// Cgroup watches a cgroup, and what is none.
func Cgroup[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config) {
	t.Helper()
	cfg.Scope.Cgroup = newCgroup(t)
	d, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := Noise(t)
	fd, err := os.Open(cfg.Scope.Cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
	err = cmd.Run()
	stop()
	if err != nil {
		t.Skipf("start a process in a cgroup: %v", err)
	}
	d.Stop()
	n := 0
	if err := Drain(d, func(ev *event.Event) {
		if n++; ev.TID() != int64(cmd.Process.Pid) {
			t.Errorf("%s of thread %d, which is not in the cgroup", ev.Type(), ev.TID())
		}
	}); err != nil {
		t.Fatal(err)
	}
	if n < 10 {
		t.Errorf("%d events of a program that ran", n)
	}
	cfg.Scope.Cgroup = t.TempDir()
	if _, err := open(cfg); err == nil || !strings.Contains(err.Error(), "is it one of version 2?") {
		t.Errorf("a directory: %v", err)
	}
}

// newCgroup makes a cgroup of version 2.
func newCgroup(t *testing.T) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
			continue
		}
		dir := filepath.Join(root, fmt.Sprintf("lanner-test-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { os.Remove(dir) })
		return dir
	}
	t.Skip("no cgroups of version 2")
	return ""
}
