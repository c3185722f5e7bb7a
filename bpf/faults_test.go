package bpf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envHelper makes this program one that a test needs: its value says which.
const envHelper = "LANNER_BPF_HELPER"

// helper is called first thing.
func helper() {
	switch os.Getenv(envHelper) {
	case "reader":
		read()
	case "pinned":
		pinned()
	case "crowd":
		crowd()
	}
}

// read attaches the probe to the whole machine and reads until it is killed.
func read() {
	events, err := event.ParseSet("all", spec.Current)
	if err == nil {
		var d *Driver
		if d, err = Open(Config{Profile: spec.Current, Events: events, Snaplen: 80, Scope: Scope{Host: true}}); err == nil {
			fmt.Println("reading")
			err = drivertest.Drain(d, func(*event.Event) {})
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// TestKilled: if the reader is killed, nothing of it stays in the kernel.
func TestKilled(t *testing.T) {
	needsProbe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envHelper+"=reader")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	held := heldBy(t, cmd.Process.Pid)
	cmd.Process.Kill()
	cmd.Wait()
	if line != "reading\n" {
		t.Fatal(line)
	}
	if len(held["link_id"]) < 4 || len(held["prog_id"]) < 4 || len(held["map_id"]) < 4 {
		t.Fatalf("the reader held %v", held)
	}
	if n := len(held["prog_id"]); n > 20 {
		t.Errorf("%d descriptors of programs, though tables keep those of events", n)
	}
	there := map[string]func(id int) bool{
		"link_id": func(id int) bool {
			l, err := link.NewFromID(link.ID(id))
			if err == nil {
				l.Close()
			}
			return !errors.Is(err, os.ErrNotExist)
		},
		// Not opened: letting go of a table of tail calls twice in a row leaves it there for ever
		// (kernel/bpf/arraymap.c: prog_array_map_clear, for work that is already under way).
		"prog_id": func(id int) bool {
			next, err := ebpf.ProgramGetNextID(ebpf.ProgramID(id - 1))
			return listed(t, next == ebpf.ProgramID(id), err)
		},
		"map_id": func(id int) bool {
			next, err := ebpf.MapGetNextID(ebpf.MapID(id - 1))
			return listed(t, next == ebpf.MapID(id), err)
		},
	}
	end := time.Now().Add(drivertest.Patience)
	for kind, there := range there {
		for _, id := range held[kind] {
			// The kernel frees them when no CPU uses them any more.
			for there(id) {
				if time.Now().After(end) {
					t.Errorf("%s %d is still there", kind, id)
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
}

// listed returns what a search for an id has found; that there is none after it is no error.
func listed(t *testing.T, found bool, err error) bool {
	t.Helper()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// heldBy returns the ids of what a process has descriptors of: links, programs, maps.
func heldBy(t *testing.T, pid int) map[string][]int {
	t.Helper()
	held := make(map[string][]int)
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		isLink := bytes.Contains(text, []byte("link_id:"))
		for line := range strings.Lines(string(text)) {
			kind, value, _ := strings.Cut(line, ":")
			if isLink && kind != "link_id" || !strings.HasSuffix(kind, "_id") {
				continue
			}
			if id, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				held[kind] = append(held[kind], id)
			}
		}
	}
	return held
}

// TestRefused: of a program that the verifier refuses one line tells its name and
// what is wrong with it; the error has the whole log.
func TestRefused(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.Host = true
	defer func(saved func() (*ebpf.CollectionSpec, error)) { object = saved }(object)
	for _, broken := range []string{"sys_exit", "close_x"} {
		object = func() (*ebpf.CollectionSpec, error) {
			s, err := loadModern()
			if err == nil {
				p := s.Programs[broken]
				first := &p.Instructions[0]
				start := first.Metadata
				first.Metadata = asm.Metadata{}
				p.Instructions = append(asm.Instructions{
					asm.Mov.Imm(asm.R2, 0).WithMetadata(start), asm.LoadMem(asm.R2, asm.R2, 0, asm.DWord),
				}, p.Instructions...)
			}
			return s, err
		}
		d, err := Open(cfg)
		if err == nil {
			d.Close()
			t.Fatal("the verifier took it")
		}
		text := err.Error()
		if !strings.Contains(text, "the kernel refuses program "+broken+" of the probe") || !strings.Contains(text, "invalid mem access") || strings.Contains(text, "\n") {
			t.Errorf("%s: %q", broken, text)
		}
		refused, ok := errors.AsType[*ebpf.VerifierError](err)
		if !ok || len(refused.Log) < 3 {
			t.Errorf("%s: the log is %+v", broken, refused)
		}
	}
}

// envHotplug says that CPUs may be taken away from this machine.
const envHotplug = "LANNER_BPF_HOTPLUG"

// pinnedTo is the CPU that comes and goes, pinnedCalls what is done on it.
const (
	pinnedTo    = 1
	pinnedCalls = 1000
)

// pinned opens files on one CPU. The affinity is the thread's, which must be kept:
// the runtime hands the work of one that is slow in a call to another.
func pinned() {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(pinnedTo)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for range pinnedCalls {
		unix.Open("/no/such/file", 0, 0)
	}
	os.Exit(0)
}

// TestHotplug: a CPU that is brought up while the probe is at work is told of, and
// what happens there is captured or counted.
func TestHotplug(t *testing.T) {
	if os.Getenv(envHotplug) == "" {
		t.Skip("takes a CPU away from the machine: TestKernels runs it in virtual ones")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []int{0, 1} {
		online(t, false)
		cfg := config(t, "openat")
		cfg.Scope.Host, cfg.CPUsPerBuffer = true, share
		d, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		online(t, true)
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), envHelper+"=pinned")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		d.Stop()
		told, calls := 0, 0
		if err := drivertest.Drain(d, func(ev *event.Event) {
			switch {
			case ev.Type() == event.CPUHotplugE && drivertest.Number(t, ev, "cpu") == pinnedTo:
				told++
			case ev.Type() == event.OpenatX && ev.CPU == pinnedTo && string(drivertest.Param(t, ev, "name")) == "/no/such/file\x00":
				calls++
			}
		}); err != nil {
			t.Fatal(err)
		}
		d.Close()
		s := d.Stats()
		if told != 1 || calls == 0 || calls+int(s.Total.Drops()) < pinnedCalls || s.CPUs[pinnedTo].Events < pinnedCalls {
			t.Errorf("told of the CPU %d times, %d of %d calls, counted %+v", told, calls, pinnedCalls, s)
		}
	}
}

// online brings the CPU up or down.
func online(t *testing.T, up bool) {
	t.Helper()
	word := []byte("0")
	if up {
		word = []byte("1")
	}
	if err := os.WriteFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", pinnedTo), word, 0); err != nil {
		t.Fatal(err)
	}
}
