package bpf

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func classicConfig(t *testing.T, events string) Config {
	t.Helper()
	probe(t, spec.Current)
	return Config{Profile: spec.Current, Events: set(t, events, spec.Current), Snaplen: 80}
}

// traceClassic runs a command under the classic probe and hands over the events of its tree.
func traceClassic(t *testing.T, cfg Config, path string, argv []string, each func(*event.Event)) *Classic {
	t.Helper()
	cmd, start, err := prepared(path, argv, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer start.Close()
	cfg.Scope.Armed = append(cfg.Scope.Armed, cmd.Process.Pid)
	d, err := OpenClassic(cfg, probe(t, cfg.Profile))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	start.Close()
	if err := drain(d, each); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestClassicFull: what is lost is counted as by the modern probe.
func TestClassicFull(t *testing.T) {
	full(t, classicConfig(t, "all"), func(cfg Config) (driver.Driver, error) { return OpenClassic(cfg, probe(t, cfg.Profile)) })
}

// TestClassicWrap: events that run over the end of a buffer, which can't be mapped twice in
// a row everywhere, come in one piece.
func TestClassicWrap(t *testing.T) {
	cfg := classicConfig(t, "write")
	cfg.BufferBytes = 16 * os.Getpagesize()
	cfg.Snaplen = 1000
	// Half a buffer at a time, so that the reader can keep up on a slow machine.
	const size, atATime, times = 700, 40, 50
	const count = atATime * times
	n := 0
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/dd if=/dev/zero of=/dev/null bs=%d count=%d status=none; i=$((i+1)); done", times, size, atATime)
	d := traceClassic(t, cfg, "/bin/sh", []string{"sh", "-c", script},
		func(ev *event.Event) {
			if ev.Type() != event.WriteX || ev.Flags != 0 {
				return
			}
			n++
			if data := ev.Param(1); len(data) != size || strings.Trim(string(data), "\x00") != "" {
				t.Fatalf("event %d has other data: %d bytes", n, len(data))
			}
		})
	if lost := int(d.Stats().Total.NoRoom); n+lost < count || n < 3*atATime {
		t.Errorf("%d events and %d lost, want %d", n, lost, count)
	}
}

// TestClassicTree counts the processes of a tree that makes many short ones on all CPUs. It
// ends by itself: the tree is empty at last.
func TestClassicTree(t *testing.T) {
	const children = 200
	var starts, ends int
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/true & /bin/true; i=$((i+2)); done; wait", children)
	began := time.Now()
	d := traceClassic(t, classicConfig(t, "lifecycle"), "/bin/sh", []string{"sh", "-c", script}, func(ev *event.Event) {
		switch ev.Type() {
		case event.ExecveX:
			if res, _ := ev.Int(0); res == 0 && strings.TrimSuffix(string(ev.Param(1)), "\x00") == "/bin/true" {
				starts++
			}
		case event.ProcExitE:
			ends++
		}
	})
	if s := d.Stats().Total; s.Drops() != 0 || s.LostChildren != 0 {
		t.Errorf("lost: %+v", s)
	}
	if starts != children || ends != children+1 {
		t.Errorf("%d programs started and %d processes ended, want %d and one more", starts, ends, children)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it was killed after %v: the tree was not empty", took)
	}
}
