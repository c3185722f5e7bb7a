// Package probetest lets tests use the classic probe, in virtual machines.
//
// In a nutshell: outside, Build builds the probe for the machine's kernel, in both
// editions, and adds them to a vmtest.VM; inside, File names them.
package probetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

const (
	// env is the directory of the probes in a machine.
	env = "LANNER_TEST_PROBES"
	dir = "/lanner-probes"
)

// Tracepoints is the macro of probes that are not on raw tracepoints.
const Tracepoints = "LANNER_TRACEPOINTS=1"

// Build builds the probes for a machine's kernel and adds them to the machine.
func Build(t *testing.T, vm *vmtest.VM, macros ...string) {
	t.Helper()
	vm.Add(dir, For(t, vm.Kernel, macros...))
	vm.Env = append(vm.Env, env+"="+dir)
}

// For builds the probes for a kernel and returns their directory.
func For(t *testing.T, k vmtest.Kernel, macros ...string) (dir string) {
	t.Helper()
	build, _ := k.Headers(t)
	h, err := headers.Open(build, map[string]string{"amd64": "x86", "arm64": "arm64"}[k.Arch])
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := Compile(h, dir, macros...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Compile builds the probes of both editions.
func Compile(h *headers.Tree, dir string, macros ...string) error {
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		if err := classic.Build(context.Background(), h, in, In(dir, in), macros...); err != nil {
			return err
		}
	}
	return nil
}

// In names the probe of an edition in a directory of them.
func In(dir string, in spec.Profile) string { return filepath.Join(dir, in.String()+".o") }

// Dir is the directory of the probes in a machine that Build has prepared; empty elsewhere.
func Dir() string { return os.Getenv(env) }
