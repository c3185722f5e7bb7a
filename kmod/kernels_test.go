package kmod

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernels builds the module for other kernels and runs the tests of this package
// there. Nothing of it touches the kernel at hand.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "6.1" {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			programs := t.TempDir()
			if err := eventtest.Build(programs, k.Arch, vmtest.CC(t, k.Arch)...); err != nil {
				t.Fatal(err)
			}
			vm := vmtest.VM{
				Kernel:  k,
				Modules: []string{"unix_diag", "overlay"},
				Files:   map[string]string{"/programs": programs, "/modules.lanner": modules(t, k), "/bin": bin(t, k)},
				Env:     []string{"LANNER_EVENTTEST_PROGRAMS=/programs", envModules + "=/modules.lanner"},
			}
			for _, name := range vm.Test(t, "-test.skip=Kernels") {
				t.Errorf("%s was skipped", name)
			}
		})
	}
}

// bin makes a directory of the programs that tests run.
func bin(t *testing.T, k vmtest.Kernel) (dir string) {
	dir = t.TempDir()
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

// modules builds the module in all editions.
func modules(t *testing.T, k vmtest.Kernel) (dir string) {
	dir = t.TempDir()
	for _, edition := range []string{current, v036, legacy} {
		src := t.TempDir()
		copySources(t, src)
		k.BuildModule(t, filepath.Join(src, "kmod/module"), "EDITION="+edition)
		if err := os.Mkdir(filepath.Join(dir, edition), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(src, "kmod/module/scap.ko"), filepath.Join(dir, edition, "scap.ko")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// copySources copies what the module is made of.
func copySources(t *testing.T, to string) {
	for _, dir := range []string{"kmod/module", "kernel/uapi"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join("..", dir))); err != nil {
			t.Fatal(err)
		}
	}
}
