package vmtest

import (
	"testing"

	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// Suite is a machine with what the conformance suite needs: its C cases, compiled, and
// modules of the kernel.
func Suite(t testing.TB, k Kernel) VM {
	t.Helper()
	const dir = "/programs"
	programs := t.TempDir()
	if err := eventtest.Build(programs, k.Arch, CC(t, k.Arch)...); err != nil {
		t.Fatal(err)
	}
	return VM{
		Kernel:  k,
		Modules: []string{"unix_diag", "overlay"},
		Files:   map[string]string{dir: programs},
		Env:     []string{eventtest.EnvPrograms + "=" + dir},
	}
}
