package bpf

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event"
)

const (
	crowdThreads = 16
	crowdCalls   = 10000 // of each thread
)

// mark is what a thread of a crowd writes: its id, ten times.
func mark(tid int64) []byte {
	return bytes.Repeat(binary.NativeEndian.AppendUint64(nil, uint64(tid)), 10)
}

// crowd is many threads that write at once.
func crowd() {
	fd, err := unix.Open(os.DevNull, unix.O_WRONLY, 0)
	if err != nil {
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for range crowdThreads {
		wg.Go(func() {
			runtime.LockOSThread()
			text := mark(int64(unix.Gettid()))
			for range crowdCalls {
				unix.Write(fd, text)
			}
		})
	}
	wg.Wait()
	os.Exit(0)
}

// TestCrowd: of many threads on few CPUs each event is of one thread and no other, also
// where the kernel takes the CPU from a program that lays one out; and what is missing
// was counted.
func TestCrowd(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wrote uint64
	cfg := config(t, "write")
	cfg.BufferBytes = 64 << 20
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envHelper+"=crowd")
	s := drivertest.Trace(t, Open, cfg, cmd, func(ev *event.Event) {
		if ev.Type() != event.WriteX || drivertest.Number(t, ev, "res") != 80 {
			return // of the runtime
		}
		wrote++
		if data, want := drivertest.Param(t, ev, "data"), mark(ev.TID()); !bytes.Equal(data, want) {
			t.Errorf("thread %d wrote %x", ev.TID(), data)
		}
	}).Total
	lost := s.NoRoom + s.Preempted
	t.Logf("%d of %d events, %d found no room, %d came in between", wrote, crowdThreads*crowdCalls, s.NoRoom, s.Preempted)
	if wrote > crowdThreads*crowdCalls || wrote+lost < crowdThreads*crowdCalls {
		t.Errorf("%d events and %d lost, of %d calls", wrote, lost, crowdThreads*crowdCalls)
	}
	if code, err := features.LinuxVersionCode(); err == nil && code>>16 < 7 && s.Preempted > 0 {
		t.Errorf("%d events came in between, where nothing can", s.Preempted)
	}
}

// TestSweep: processes that ended without the probe seeing it, as may be since Linux 7,
// do not keep a reader waiting, whether somebody has waited for them or not.
func TestSweep(t *testing.T) {
	waitedFor, zombie := exec.Command("/bin/true"), exec.Command("/bin/true")
	for _, cmd := range []*exec.Cmd{waitedFor, zombie} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	defer zombie.Wait()
	if err := waitedFor.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, zombie.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, "lifecycle")
	cfg.Scope.PIDs = []int{os.Getppid()}
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tree, size := d.coll.Maps[modernMapTree], &d.tree().Size
	before := atomic.LoadInt64(size)
	for _, cmd := range []*exec.Cmd{waitedFor, zombie} {
		if err := tree.Put(uint32(cmd.Process.Pid), member); err != nil {
			t.Fatal(err)
		}
		atomic.AddInt64(size, 1)
	}
	if err := d.sweep(); err != nil {
		t.Fatal(err)
	}
	var bits uint32
	for _, cmd := range []*exec.Cmd{waitedFor, zombie} {
		if tree.Lookup(uint32(cmd.Process.Pid), &bits) == nil {
			t.Errorf("%v is left, waited for: %v", cmd, cmd == waitedFor)
		}
	}
	if after := atomic.LoadInt64(size); after != before {
		t.Errorf("%d processes are left, want %d", after, before)
	}
	if tree.Lookup(uint32(os.Getppid()), &bits) != nil {
		t.Error("the parent was taken out, which lives")
	}
}
