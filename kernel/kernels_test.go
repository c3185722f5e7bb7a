package kernel

import (
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
			probetest.Build(t, &vm)
			for _, name := range vm.Test(t, "-test.run=^Test(Features|LookHere|Memlock|Privilege|ClassicPrivilege|ClassicWithoutTracefs|Abandon|HolderDies)$") {
				if name != "TestPrivilege" || k.Name != vmtest.Newest {
					t.Errorf("%s was skipped", name)
				}
			}
		})
	}
}
