package kmod

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
)

// TestProgram looks at what a real program does.
func TestProgram(t *testing.T) { drivertest.Program(t, Open, config(t, "all")) }

// TestTree: no process of a tree is missed, and no event was lost for want of its CPU.
func TestTree(t *testing.T) {
	if s := drivertest.Tree(t, Open, config(t, "lifecycle"), 300); s.Total.Preempted != 0 {
		t.Errorf("lost: %+v", s.Total)
	}
}

// TestHost sees all processes but its own.
func TestHost(t *testing.T) { drivertest.Host(t, Open, config(t, "all")) }

// TestCgroup watches a cgroup.
func TestCgroup(t *testing.T) { drivertest.Cgroup(t, Open, config(t, "all")) }

// TestFull lets buffers run over. Others get such as they would have had.
func TestFull(t *testing.T) {
	cfg := config(t, "all")
	cfg.BufferBytes = 4 * os.Getpagesize()
	drivertest.Full(t, Open, cfg)
	if size, err := os.ReadFile("/sys/module/scap/parameters/g_buffer_bytes_dim"); err != nil || strings.TrimSpace(string(size)) != "8388608" {
		t.Errorf("the size that is left for others is %s, %v", size, err)
	}
}

// TestWrap: events that run over the end of a buffer come in one piece.
func TestWrap(t *testing.T) { drivertest.Wrap(t, Open, config(t, "write")) }

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
	drivertest.Close(t, d)
	if err := kmodtest.Unload(); err != nil {
		t.Error(err)
	}
	if _, err := Open(cfg); err == nil || !strings.HasPrefix(err.Error(), "kmod: the module scap is not loaded") {
		t.Errorf("without the module: %v", err)
	}
}

// TestGone: a process that has ended can't be watched, nor can we.
func TestGone(t *testing.T) { drivertest.Gone(t, Open, config(t, "close"), "kmod") }

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
	drivertest.Trace(t, Open, cfg, exec.Command("sh", "-c", "cat /no/such/file /proc/version"), func(ev *event.Event) {
		switch ev.Type() {
		case event.OpenX, event.OpenatX, event.CloseX:
			if res, _ := ev.Int(0); res < 0 {
				t.Errorf("%s failed: %d", ev.Type(), res)
			}
			good++
		}
	})
	if good == 0 {
		t.Error("no events")
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
	stop := drivertest.Noise(t)
	other := drivertest.Noise(t)
	defer stop()
	defer other()
	told := false
	var ev event.Event
	for late := time.Now().Add(drivertest.Patience); ; {
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

// TestAlloc: an event costs the collector nothing. What asks for the tree's size while there
// is nothing to read may allocate, more often the slower the machine is.
func TestAlloc(t *testing.T) { drivertest.Alloc(t, Open, config(t, "all"), 20000, 39000/4) }
