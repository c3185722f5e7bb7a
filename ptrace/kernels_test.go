package ptrace

import (
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernels runs the suite on other kernels and on another architecture.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.Suite(t, k)
			vm.CPUs = 1 // half the work: on two emulated ones the driver looks for stops in vain
			if k.X32 {
				vm.Append = "syscall.x32=y"
			}
			run := "Conformance"
			if os.Getenv(eventtest.EnvReport) != "" {
				run = "^TestConformance$" // reports are of the driver as it is by default
			}
			for _, name := range vm.Test(t, "-test.run="+run) {
				if k.X32 || !strings.Contains(name, "/x32") {
					t.Errorf("%s was skipped", name)
				}
			}
		})
	}
}
