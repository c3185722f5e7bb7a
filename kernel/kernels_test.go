package kernel

import (
	"testing"

	"github.com/lannerhq/lanner/internal/vmtest"
)

// TestKernels looks at other kernels: which features they have, and what the modern
// probe needs there.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.VM{Kernel: k}
			vm.Test(t, "-test.run=^Test(Features|LookHere|Memlock|Privilege|Abandon|HolderDies)$")
		})
	}
}
