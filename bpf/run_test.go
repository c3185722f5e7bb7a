package bpf

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	drivertest.Main()
	helper()
	eventtest.Main()
	code := m.Run()
	eventtest.Clean()
	os.Exit(code)
}

// needsProbe skips a test where the probe can't be loaded.
func needsProbe(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func config(t testing.TB, events string) Config {
	t.Helper()
	needsProbe(t)
	return Config{Profile: spec.Current, Events: drivertest.Set(t, events, spec.Current), Snaplen: 80}
}
