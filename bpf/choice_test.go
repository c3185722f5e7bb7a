package bpf

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestDropFailed: exit events of calls that failed are left out, enter events are not.
func TestDropFailed(t *testing.T) {
	cfg := config(t, "openat")
	cfg.DropFailed = true
	var worked, entered int
	drivertest.Trace(t, Open, cfg, exec.Command("cat", "/dev/null", "/none"), func(ev *event.Event) {
		switch ev.Type() {
		case event.OpenatX:
			if fd := drivertest.Number(t, ev, "fd"); fd < 0 {
				t.Errorf("openat of %q failed with %d", drivertest.Param(t, ev, "name"), fd)
			}
			worked++
		case event.OpenatE:
			if string(drivertest.Param(t, ev, "name")) == "/none\x00" {
				entered++
			}
		}
	})
	if worked == 0 || entered != 1 {
		t.Errorf("%d calls worked, %d events before one that failed", worked, entered)
	}
}

// TestDynamicSnaplen: what goes through a socket is kept longer if it looks like a
// protocol or its port is in the range; a pipe's data never is.
func TestDynamicSnaplen(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		what, begin, to string
		full            [2]uint16
		want            int
	}{
		{"HTTP", "GET ", "socket", [2]uint16{}, 2000},
		{"anything", "some", "socket", [2]uint16{}, 80},
		{"anything in the range", "some", "socket", [2]uint16{uint16(port), uint16(port)}, 3000},
		{"HTTP in a pipe", "GET ", "pipe", [2]uint16{}, 80},
	} {
		cfg := config(t, "write")
		cfg.DynamicSnaplen, cfg.FullCapture = true, c.full
		script := fmt.Sprintf("exec 3>/dev/tcp/127.0.0.1/%d; printf '%s%%02996d' 0 >&3", port, c.begin)
		if c.to == "pipe" {
			script = fmt.Sprintf("printf '%s%%02996d' 0 | cat >/dev/null", c.begin)
		}
		longest := 0
		drivertest.Trace(t, Open, cfg, exec.Command("bash", "-c", script), func(ev *event.Event) {
			if ev.Type() == event.WriteX && drivertest.Number(t, ev, "res") == 3000 {
				longest = max(longest, len(drivertest.Param(t, ev, "data")))
			}
		})
		if longest != c.want {
			t.Errorf("%s: %d bytes are kept, want %d", c.what, longest, c.want)
		}
	}
}

// TestSampling: of calls that may be left out only those in the first part of each
// second come, and each change is told.
func TestSampling(t *testing.T) {
	cfg := config(t, "all")
	cfg.SamplingRatio = 4
	var drops, resumes, kept, late, execs int
	drivertest.Trace(t, Open, cfg, exec.Command("sh", "-c", "i=0; while test $i -lt 250; do /bin/true; i=$((i+1)); sleep 0.01; done"), func(ev *event.Event) {
		switch ev.Type() {
		case event.DropE:
			drops++
		case event.DropX:
			resumes++
		case event.ExecveX:
			if drivertest.Number(t, ev, "res") == 0 {
				execs++
			}
		case event.GenericX, event.MprotectX:
			kept++
			if drops > resumes {
				late++ // on another CPU, when the first call was left out
			}
		}
		if ev.Type() == event.DropE || ev.Type() == event.DropX {
			if r := drivertest.Number(t, ev, "ratio"); r != 4 {
				t.Errorf("ratio %d", r)
			}
		}
	})
	if drops < 2 || resumes < 1 || kept == 0 || late > drops+resumes {
		t.Errorf("%d times left out, %d times resumed, %d calls kept, %d while they were left out", drops, resumes, kept, late)
	}
	if execs != 501 { // never left out: sh, true and sleep
		t.Errorf("%d programs, want 501", execs)
	}
}

// TestPoints looks at context switches and page faults.
func TestPoints(t *testing.T) {
	const mapped = 1 << 20
	var switches, faults int
	tids := make(map[int64]bool)
	drivertest.Trace(t, Open, config(t, "sched_switch,page_fault*"), exec.Command("sh", "-c", "/bin/sleep 0.01; :"), func(ev *event.Event) {
		switch ev.Type() {
		case event.SwitchE:
			switches++
			if next := drivertest.Number(t, ev, "next"); next == ev.TID() {
				t.Errorf("thread %d gives way to itself", next)
			}
			if drivertest.Number(t, ev, "vm_rss") > mapped {
				t.Errorf("vm_rss %d KiB", drivertest.Number(t, ev, "vm_rss"))
			}
			tids[ev.TID()] = true
		case event.PageFaultE:
			faults++
			const write, read = 4, 8 // WRITE_ACCESS, READ_ACCESS
			if e := drivertest.Number(t, ev, "error"); (e&write != 0) == (e&read != 0) {
				t.Errorf("fault of kind %#x", e)
			}
		}
	})
	// More threads than two where others of the program that calls execve first end.
	if switches < 2 || len(tids) < 2 || machine == spec.X86 && faults < 20 {
		t.Errorf("%d context switches of %d threads, %d page faults", switches, len(tids), faults)
	}
}
