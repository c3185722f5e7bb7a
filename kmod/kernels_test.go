package kmod

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernels builds the module for other kernels and runs the tests of this package
// there. Nothing of it touches the kernel at hand.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			vm := vmtest.Suite(t, k)
			vm.Add("/bin", bin(t, k))
			kmodtest.Build(t, &vm)
			const suite = "TestConformance"
			runs := []string{"-test.run=^" + suite + "$", "-test.skip=Kernels|Sysdig|Debian|Locked|Home|" + suite}
			if os.Getenv(eventtest.EnvReport) != "" {
				runs = runs[:1] // reports are of the suite
			}
			for _, args := range runs {
				for _, name := range vm.Test(t, args) {
					if !drivertest.SkipsChildren(k.Arch, name) {
						t.Errorf("%s was skipped", name)
					}
				}
			}
		})
	}
}

// bin makes a directory of the programs that tests run.
func bin(t *testing.T, k vmtest.Kernel) (dir string) {
	dir = t.TempDir()
	vmtest.BuildTrace(t, k.Arch, filepath.Join(dir, "trace"))
	busybox, err := os.ReadFile(vmtest.Busybox(t, k.Arch))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "busybox"), busybox, 0o755)
	}
	for _, name := range []string{"cat", "dd", "sh", "true", "sleep"} {
		if err == nil {
			err = os.Symlink("busybox", filepath.Join(dir, name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
