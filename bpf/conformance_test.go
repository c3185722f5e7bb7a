package bpf

import (
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// limits are what the probe leaves of long things: STRING_MAX, IOV_MAX, POLL_MAX,
// MMSG_MAX and STRINGS_MAX of modern/.
var limits = eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096}

// TestConformance runs the suite on the modern probe.
func TestConformance(t *testing.T) {
	drivertest.Conformance(t, eventtest.Driver{Name: "modern-bpf", Limits: limits, Skip: drivertest.SkipChildren}, Open)
}

func (d *Driver) TreeSize() int64  { return d.treeSize() }
func (d *Classic) TreeSize() int64 { return d.treeSize() }
