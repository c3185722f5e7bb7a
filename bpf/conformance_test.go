package bpf

import (
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// limits are what the probe leaves of long things: STRING_MAX, IOV_MAX, POLL_MAX,
// MMSG_MAX and STRINGS_MAX of modern/.
var limits = eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096}

// TestConformance runs the suite on the probe.
func TestConformance(t *testing.T) {
	eventtest.Run(t, eventtest.Driver{Limits: limits, AtSign: true, Trace: traceCase})
}

func traceCase(cfg eventtest.Config, path string, argv, env []string, each func(*event.Event)) error {
	_, err := trace(Config{Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen}, path, argv, env,
		func(ev *event.Event) {
			if ev.Flags&event.StateOnly == 0 {
				each(ev)
			}
		})
	return err
}
