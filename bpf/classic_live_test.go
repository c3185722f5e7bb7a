package bpf

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func classicConfig(t *testing.T, events string) Config {
	t.Helper()
	probe(t, spec.Current)
	return Config{Profile: spec.Current, Events: drivertest.Set(t, events, spec.Current), Snaplen: 80}
}

// TestClassicFull: what is lost is counted as by the modern probe.
func TestClassicFull(t *testing.T) {
	cfg := classicConfig(t, "all")
	cfg.BufferBytes = os.Getpagesize()
	drivertest.Full(t, openClassic(t), cfg)
}

// TestClassicWrap: events come in one piece though their buffer can't be mapped twice in a
// row everywhere.
func TestClassicWrap(t *testing.T) { drivertest.Wrap(t, openClassic(t), classicConfig(t, "write")) }

// TestClassicTree: no process of a tree is missed.
func TestClassicTree(t *testing.T) {
	drivertest.Tree(t, openClassic(t), classicConfig(t, "lifecycle"), 200)
}

// TestClassicReload: loading is safe to the kernel, however the CPUs take turns at it.
func TestClassicReload(t *testing.T) {
	cfg := classicConfig(t, "lifecycle")
	cfg.Scope.Host = true
	open := openClassic(t)
	defer drivertest.Noise(t)()
	for range 12 {
		d, err := open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
	}
}
