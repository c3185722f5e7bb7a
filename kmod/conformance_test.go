package kmod

import (
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// limits are what the module leaves of long things: STRING_MAX, UIO_MAXIOV, POLL_MAX
// and ARGS_MAX of module/.
var limits = eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096}

// TestConformance runs the suite on the module.
func TestConformance(t *testing.T) {
	needsModule(t, kmodtest.Current)
	drivertest.Conformance(t, eventtest.Driver{Name: "kmod", Limits: limits, Skip: drivertest.SkipChildren}, func(cfg Config) (*Driver, error) {
		if err := kmodtest.Load(cfg.Profile.String()); err != nil {
			return nil, err
		}
		return Open(cfg)
	})
}

// TreeSize is 0 of a driver that can't say it.
func (d *Driver) TreeSize() int64 {
	size, _, err := d.tree()
	if err != nil {
		return 0
	}
	return size
}
