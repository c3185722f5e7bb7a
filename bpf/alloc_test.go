package bpf

import (
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestAlloc: an event costs the collector nothing, or the reader would fall behind
// when most is to be read.
func TestAlloc(t *testing.T) {
	var before, after runtime.MemStats
	n := 0
	_, err := trace(config(t, "all"), "/bin/dd", []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=100000", "status=none"}, nil,
		func(*event.Event) {
			if n == 1000 {
				runtime.ReadMemStats(&before)
			}
			n++
			if n == 200000 {
				runtime.ReadMemStats(&after)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if n < 200000 {
		t.Fatalf("%d events of 200000 calls", n)
	}
	if allocs := after.Mallocs - before.Mallocs; allocs > 1000 {
		t.Errorf("%d allocations in 199000 events", allocs)
	}
}

// BenchmarkReader tells what handing an event over costs the reader: CPU time of its
// thread, with the sleeps in between.
func BenchmarkReader(b *testing.B) {
	needsProbe(b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cfg := Config{Profile: spec.Current, Events: set(b, "all", spec.Current), Snaplen: 80}
	var before, after unix.Rusage
	n := 0
	count := strconv.Itoa(b.N/2 + 1)
	_, err := trace(cfg, "/bin/dd", []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=" + count, "status=none"}, nil,
		func(*event.Event) {
			if n == 0 {
				unix.Getrusage(unix.RUSAGE_THREAD, &before)
			}
			n++
		})
	if err != nil {
		b.Fatal(err)
	}
	unix.Getrusage(unix.RUSAGE_THREAD, &after)
	took := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(took)/float64(n), "cpu-ns/event")
	b.ReportMetric(0, "ns/op") // the work's time, not the reader's
}
