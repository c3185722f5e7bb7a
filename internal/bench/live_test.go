package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLive: each way moves all events, and the table shows it.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	if out, err := exec.Command("go", "build", "-o", trace, "../../cmd/trace").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := small
	s.events = 2000
	b := bench{runner: &runner{ctx: context.Background(), dir: dir, timeout: time.Minute}, sizes: s, reps: 1, progress: &progress{}}
	rep := report{Repetitions: 1, Smoke: true}
	b.live(&rep, trace)
	if len(rep.Faults) > 0 || len(rep.Live.Rows) != 4 || len(rep.Live.Reconnect) != 1 || rep.lost() != 0 {
		t.Errorf("faults %q, %+v", rep.Faults, rep.Live)
	}
	var text strings.Builder
	if err := rep.print(&text, table.text); err != nil || strings.Count(text.String(), "2000") != 4 {
		t.Errorf("%v\n%s", err, text.String())
	}
}
