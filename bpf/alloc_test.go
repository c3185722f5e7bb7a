package bpf

import (
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event"
)

// TestAlloc: an event costs the collector nothing.
func TestAlloc(t *testing.T) { drivertest.Alloc(t, Open, config(t, "all"), 100000, 1000) }

// BenchmarkReader tells what handing an event over costs the reader: CPU time of its
// thread, with the sleeps in between.
func BenchmarkReader(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cfg := config(b, "all")
	var before, after unix.Rusage
	n := 0
	count := strconv.Itoa(b.N/2 + 1)
	drivertest.Trace(b, Open, cfg, exec.Command("dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count="+count, "status=none"), func(*event.Event) {
		if n == 0 {
			unix.Getrusage(unix.RUSAGE_THREAD, &before)
		}
		n++
	})
	unix.Getrusage(unix.RUSAGE_THREAD, &after)
	took := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(took)/float64(n), "cpu-ns/event")
	b.ReportMetric(0, "ns/op") // the work's time, not the reader's
}
