package bpf

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernelsModern runs the suite with the modern probe on other kernels and on
// another architecture: the structures there have other shapes, and the verifier other
// powers. Loading the probe takes long on an emulated processor, so each kernel does
// with one edition and one snaplen, on which nothing of that depends.
func TestKernelsModern(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.Suite(t, k)
			vm.AddBusybox(t, "cat")
			vm.Env = append(vm.Env, envHotplug+"=1")
			edition := "current"
			switch {
			case os.Getenv(eventtest.EnvReport) != "":
				edition = "(current|v036)" // reports are of all there is
			case k.Name == "6.1":
				edition = "v036"
			}
			if k.Name == vmtest.Newest && os.Getenv(eventtest.EnvReport) == "" {
				// Events get lost there as threads are preempted (see claim of
				// modern/call.h), and the suite wants each: they are counted.
				vm.Test(t, "-test.run=^Test(Hotplug|Killed|Crowd)$")
				return
			}
			skipped := vm.Test(t, "-test.run=^Test(Conformance|Hotplug|Killed|Crowd)$/^"+edition+"$", "-test.skip=///^(0|65000)$")
			for _, name := range skipped {
				if !drivertest.SkipsChildren(k.Arch, name) {
					t.Errorf("%s was skipped", name)
				}
			}
		})
	}
}
