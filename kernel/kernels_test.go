package kernel

import (
	"path/filepath"
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
			if k.Name != vmtest.Newest { // where the classic probe can't be used
				probetest.Build(t, &vm)
				trace := filepath.Join(t.TempDir(), "trace")
				vmtest.BuildTrace(t, k.Arch, trace)
				vm.Add("/bin/trace", trace)
				vm.AddBusybox(t, "sh")
			}
			for _, name := range vm.Test(t, "-test.run=^Test(Features|LookHere|Memlock|Privilege|ClassicPrivilege|ClassicWithoutTracefs|ClassicInstead|Abandon|HolderDies)$") {
				older := strings.HasPrefix(name, "TestFeatures/") // it fails where the kernel is new enough
				if !older && (k.Name != vmtest.Newest || !strings.HasPrefix(name, "TestClassic")) {
					t.Errorf("%s was skipped", name)
				}
			}
		})
	}
}
