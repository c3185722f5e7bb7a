package kmod

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	becomeReader()
	drivertest.Main()
	eventtest.Main()
	code := m.Run()
	eventtest.Clean()
	os.Exit(code)
}

// needsModule loads the module of an edition. Such tests run in virtual machines, see
// TestKernels.
func needsModule(t testing.TB, edition string) {
	t.Helper()
	if !kmodtest.Here() {
		t.Skip("loads modules: for the virtual machines of TestKernels")
	}
	if err := kmodtest.Load(edition); err != nil {
		t.Fatal(err)
	}
}

func config(t *testing.T, events string) Config {
	t.Helper()
	needsModule(t, kmodtest.Current)
	return Config{Profile: spec.Current, Events: drivertest.Set(t, events, spec.Current), Snaplen: 80}
}
