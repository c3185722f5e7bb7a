package bpf

import (
	"runtime"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
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
