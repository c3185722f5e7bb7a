package differential

import (
	"testing"

	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernelsModern compares ptrace and the modern probe on other kernels, with the edition that the tests of
// package bpf leave out there.
func TestKernelsModern(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			switch {
			case k.Arch == "arm64":
				t.Skip("the probe does not know the call and all flags of a new task there, as the contract has it; the tracer does")
			case k.Name == "newest":
				t.Skip("programs at system calls may be preempted there, and the probe can't be used: see kernel/driver.go")
			}
			t.Parallel()
			programs := t.TempDir()
			if err := eventtest.Build(programs, k.Arch, vmtest.CC(t, k.Arch)...); err != nil {
				t.Fatal(err)
			}
			vm := vmtest.VM{
				Kernel:  k,
				Modules: []string{"unix_diag", "overlay"},
				Files:   map[string]string{"/programs": programs, "/bin/cat": vmtest.Busybox(t, k.Arch)},
				Env:     []string{"LANNER_EVENTTEST_PROGRAMS=/programs"},
			}
			edition := "v036"
			if k.Name == "6.1" {
				edition = "current"
			}
			for _, name := range vm.Test(t, "-test.run=^TestConformance$/^"+edition+"$", "-test.skip=///^(0|65000)$") {
				t.Errorf("%s was skipped", name)
			}
		})
	}
}
