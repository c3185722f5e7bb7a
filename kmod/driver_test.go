package kmod

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func config(t *testing.T, events string) Config {
	needsModule(t, kmodtest.Current)
	return Config{Profile: spec.Current, Events: set(t, events, spec.Current), Snaplen: 80}
}

// TestProgram looks at what a real program does.
func TestProgram(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("some text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var first event.Type
	var opened, read, started, ended bool
	begin := uint64(time.Now().UnixNano())
	d, err := trace(config(t, "all"), "/bin/dd", []string{"dd", "if=" + name, "status=none"}, []string{"A=1"}, func(ev *event.Event) {
		if ev.Flags&event.StateOnly != 0 {
			return
		}
		if first == 0 {
			first = ev.Type()
		}
		if ev.TS() < begin || ev.TS() > uint64(time.Now().UnixNano()) {
			t.Errorf("%s at %d, not between %d and now", ev.Type(), ev.TS(), begin)
		}
		switch ev.Type() {
		case event.ExecveX:
			started = true
			if exe, args, env := text(t, ev, "exe"), text(t, ev, "args"), text(t, ev, "env"); exe != "dd" || args != "if="+name+"\x00status=none" || env != "A=1" {
				t.Errorf("started %q %q with %q", exe, args, env)
			}
		case event.OpenX, event.OpenatX:
			opened = opened || text(t, ev, "name") == name
		case event.ReadX:
			read = read || string(param(t, ev, "data")) == "some text\n"
		case event.ProcExitE:
			ended = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first != event.ExecveX {
		t.Errorf("the first event is %s, want execve: the process was armed", first)
	}
	for what, seen := range map[string]bool{"start": started, "open": opened, "read": read, "end": ended} {
		if !seen {
			t.Errorf("no %s", what)
		}
	}
	if s := d.Stats(); s.Total.Drops() != 0 || s.Total.Events == 0 {
		t.Errorf("counters %+v", s.Total)
	}
}

// TestTree counts the processes of a tree that makes many short ones on all CPUs, while
// others come and go outside of it.
func TestTree(t *testing.T) {
	const children = 300
	stop := noise(t)
	defer stop()
	var starts, ends int
	latest := map[int64]uint64{} // time of a thread's last event
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/true & /bin/true; i=$((i+2)); done; wait", children)
	d, err := trace(config(t, "lifecycle"), "/bin/sh", []string{"sh", "-c", script}, os.Environ(), func(ev *event.Event) {
		tid := ev.TID()
		if latest[tid] > ev.TS() {
			t.Errorf("thread %d: %s before what came before it", tid, ev.Type())
		}
		latest[tid] = ev.TS()
		switch ev.Type() {
		case event.ExecveX:
			if res, _ := ev.Int(0); res == 0 && text(t, ev, "exe") == "/bin/true" {
				starts++
			}
		case event.ProcExitE:
			ends++
			delete(latest, tid) // its id may be another's next
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Stats().Total; s.Drops() != 0 || s.Preempted != 0 || s.LostChildren != 0 {
		t.Errorf("lost: %+v", s)
	}
	if starts != children || ends != children+1 {
		t.Errorf("%d programs started and %d processes ended, want %d and one more", starts, ends, children)
	}
}

// noise makes processes until the function it returns is called.
func noise(t *testing.T) func() {
	return background(t, 0, "/bin/sh", "-c", "while :; do /bin/true; done")
}

// background runs a program, and what it makes, until the function it returns is called.
func background(t *testing.T, nice int, name string, args ...string) func() {
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

// TestHost sees all processes but its own.
func TestHost(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.Host = true
	d, err := Open(cfg)
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
	if err := drain(d, func(ev *event.Event) {
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

// TestCgroup watches a cgroup.
func TestCgroup(t *testing.T) {
	cfg := config(t, "all")
	dir := "/sys/fs/cgroup/lanner-test"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	cfg.Scope.Cgroup = dir
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := noise(t)
	fd, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
	err = cmd.Run()
	stop()
	if err != nil {
		t.Fatalf("start a process in a cgroup: %v", err)
	}
	d.Stop()
	n := 0
	if err := drain(d, func(ev *event.Event) {
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
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "is it one of version 2?") {
		t.Errorf("a directory: %v", err)
	}
}

// TestFull lets buffers run over: what is lost is counted, by kind, and nothing else is
// lost.
func TestFull(t *testing.T) {
	cfg := config(t, "all")
	cfg.BufferBytes = 4 * os.Getpagesize()
	cfg.Scope.Host = true
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt 50 ]; do cat /proc/version; i=$((i+1)); done").Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	var read uint64
	if err := drain(d, func(*event.Event) { read++ }); err != nil {
		t.Fatal(err)
	}
	s := d.Stats()
	if s.Total.NoRoom == 0 || read == 0 {
		t.Fatalf("%d events lost, %d read", s.Total.NoRoom, read)
	}
	if s.Total.Events != read+s.Total.Drops() {
		t.Errorf("%d events made, %d read, %d lost", s.Total.Events, read, s.Total.Drops())
	}
	var kinds uint64
	for _, n := range s.Total.ByCategory {
		kinds += n
	}
	if kinds == 0 || kinds > s.Total.NoRoom {
		t.Errorf("%d events lost, %d by kind", s.Total.NoRoom, kinds)
	}
	if size, err := os.ReadFile("/sys/module/scap/parameters/g_buffer_bytes_dim"); err != nil || strings.TrimSpace(string(size)) != "8388608" {
		t.Errorf("the size that is left for others is %s, %v", size, err)
	}
}

// TestWrap: events that run over the end of a buffer come in one piece.
func TestWrap(t *testing.T) {
	cfg := config(t, "write")
	cfg.BufferBytes = 16 * os.Getpagesize()
	cfg.Snaplen = 1000
	// Half a buffer at a time, so that the reader can keep up on a slow machine.
	const size, atATime, times = 700, 40, 50
	const count = atATime * times
	n := 0
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/dd if=/dev/zero of=/dev/null bs=%d count=%d status=none; i=$((i+1)); done", times, size, atATime)
	d, err := trace(cfg, "/bin/sh", []string{"sh", "-c", script}, nil,
		func(ev *event.Event) {
			if ev.Type() != event.WriteX || ev.Flags != 0 {
				return
			}
			n++
			if data := param(t, ev, "data"); len(data) != size || strings.Trim(string(data), "\x00") != "" {
				t.Fatalf("event %d has other data: %d bytes", n, len(data))
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if lost := int(d.Stats().Total.NoRoom); n+lost < count || n < 3*atATime {
		t.Errorf("%d events and %d lost, want %d", n, lost, count)
	}
}

// TestClose: a reader comes back, the module can't go before it is closed, and can then.
func TestClose(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.PIDs = []int{os.Getppid()}
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := kmodtest.Unload(); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("unloading while it is open: %v, want EAGAIN", err)
	}
	result := make(chan error)
	go func() { result <- drain(d, func(*event.Event) {}) }()
	time.Sleep(10 * time.Millisecond)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	var ev event.Event
	if err := d.ReadInto(&ev); !errors.Is(err, io.EOF) {
		t.Errorf("ReadInto after Close: %v", err)
	}
	d.Stats()
	if err := d.Add(1, false); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Add after Close: %v", err)
	}
	if err := kmodtest.Unload(); err != nil {
		t.Error(err)
	}
	if _, err := Open(cfg); err == nil || !strings.HasPrefix(err.Error(), "kmod: the module scap is not loaded") {
		t.Errorf("without the module: %v", err)
	}
}

// TestGone: a process that has ended can't be watched, nor can we.
func TestGone(t *testing.T) {
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, "close")
	cfg.Scope.PIDs = []int{cmd.Process.Pid}
	if _, err := Open(cfg); !errors.Is(err, unix.ESRCH) {
		t.Errorf("Open: %v, want ESRCH", err)
	}
	cfg.Scope.PIDs = []int{os.Getpid()}
	if _, err := Open(cfg); err == nil || strings.Count(err.Error(), "kmod: ") != 1 {
		t.Errorf("ourselves: %v", err)
	}
}

// TestEdition: a module of another edition is told from ours.
func TestEdition(t *testing.T) {
	cfg := config(t, "close")
	cfg.Scope.Host = true
	needsModule(t, kmodtest.V036)
	_, err := Open(cfg)
	if !errors.Is(err, ErrEdition) || !strings.Contains(err.Error(), "--profile 0.36") {
		t.Errorf("Open: %v", err)
	}
}

// TestSampling: only a part of each second is told of, and readers learn of each change.
func TestSampling(t *testing.T) {
	cfg := config(t, "read,write")
	cfg.SamplingRatio = 8
	cfg.Scope.Host = true
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	busy := exec.Command("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	defer busy.Wait()
	defer busy.Process.Kill()
	var drops [2]int
	var ev event.Event
	for drops[0] < 2 || drops[1] < 2 {
		if err := d.ReadInto(&ev); err != nil {
			t.Fatal(err)
		}
		switch ev.Type() {
		case event.DropE, event.DropX:
			drops[ev.Type()&1]++
			if n, _ := ev.Int(0); n != 8 {
				t.Errorf("ratio %d, want 8", n)
			}
		}
	}
}

// TestDropFailed: calls that failed are left out.
func TestDropFailed(t *testing.T) {
	cfg := config(t, "open,openat,close")
	cfg.DropFailed = true
	good := 0
	_, err := trace(cfg, "/bin/sh", []string{"sh", "-c", "cat /no/such/file /proc/version"}, nil, func(ev *event.Event) {
		switch ev.Type() {
		case event.OpenX, event.OpenatX, event.CloseX:
			if res, _ := ev.Int(0); res < 0 {
				t.Errorf("%s failed: %d", ev.Type(), res)
			}
			good++
		}
	})
	if err != nil || good == 0 {
		t.Errorf("%d events, %v", good, err)
	}
}

// TestHotplug: a CPU that comes up is told of, and followed.
func TestHotplug(t *testing.T) {
	cfg := config(t, "all")
	const online = "/sys/devices/system/cpu/cpu1/online"
	turn := func(how string) {
		t.Helper()
		if err := os.WriteFile(online, []byte(how), 0); err != nil {
			t.Fatal(err)
		}
	}
	turn("0")
	defer os.WriteFile(online, []byte("1"), 0)
	cfg.Scope.Host = true
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	turn("1")
	stop := noise(t)
	other := noise(t)
	defer stop()
	defer other()
	told := false
	var ev event.Event
	for late := time.Now().Add(patience); ; {
		if err := d.ReadInto(&ev); err != nil {
			t.Fatal(err)
		}
		if ev.Type() == event.CPUHotplugE {
			if n, _ := ev.Int(0); n != 1 {
				t.Errorf("CPU %d came up, want 1", n)
			}
			told = true
		}
		if ev.CPU == 1 {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("no event of CPU 1; told of it: %v", told)
		}
	}
	if !told {
		t.Error("nobody said that a CPU came up")
	}
}

// TestAlloc: an event costs the collector nothing, or the reader would fall behind when
// most is to be read.
func TestAlloc(t *testing.T) {
	var before, after runtime.MemStats
	n := 0
	_, err := trace(config(t, "all"), "/bin/dd", []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=20000", "status=none"}, nil,
		func(*event.Event) {
			switch n++; n {
			case 1000:
				runtime.ReadMemStats(&before)
			case 40000:
				runtime.ReadMemStats(&after)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if n < 40000 {
		t.Fatalf("%d events of 40000 calls", n)
	}
	// What asks for the tree's size while there is nothing to read may allocate, more often
	// the slower the machine is.
	if allocs := after.Mallocs - before.Mallocs; allocs > 39000/4 {
		t.Errorf("%d allocations in 39000 events", allocs)
	}
}
