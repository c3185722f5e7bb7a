package kernel

import (
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/internal/vmtest"
)

// TestKernels looks at other kernels: which features they have, and what the probes
// need there.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.VM{Kernel: k}
			if k.Name != vmtest.Newest { // where no probe can be used
				probetest.Build(t, &vm)
			}
			for _, name := range vm.Test(t, "-test.run=^Test(Features|LookHere|Memlock|Privilege|ClassicPrivilege|ClassicWithoutTracefs|Abandon|HolderDies)$") {
				if k.Name != vmtest.Newest || !strings.Contains(name, "Privilege") && !strings.Contains(name, "Classic") {
					t.Errorf("%s was skipped", name)
				}
			}
		})
	}
}
