// Package kmodtest lets tests use the kernel module, in virtual machines.
//
// In a nutshell: outside, Build builds the module for the machine's kernel and returns
// what to add to a vmtest.VM; inside, Load makes the module of an edition the one that
// is loaded.
package kmodtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/vmtest"
)

// Editions, as the module's Kbuild has them: but for the last they are called as those of spec.
const (
	Current = "current"
	V036    = "0.36"
	Legacy  = "legacy"
)

const (
	name = "scap"

	// envModules is the directory of the modules in a machine, one for each edition.
	envModules = "LANNER_KMOD_MODULES"
	dirModules = "/lanner-modules"
)

// Build builds the module for a machine's kernel, in all editions, and adds them to the
// machine.
func Build(t *testing.T, vm *vmtest.VM) {
	t.Helper()
	for _, edition := range []string{Current, V036, Legacy} {
		src := Sources(t)
		vm.Kernel.BuildModule(t, src, "EDITION="+edition)
		Add(t, vm, edition, filepath.Join(src, name+".ko"))
	}
}

// Add adds another module of the name to a machine, by a name that Load knows it by.
func Add(t *testing.T, vm *vmtest.VM, edition, path string) {
	t.Helper()
	vm.Add(dirModules+"/"+edition+"/"+name+".ko", path)
	if env := envModules + "=" + dirModules; !slices.Contains(vm.Env, env) {
		vm.Env = append(vm.Env, env)
	}
}

// Sources copies the module's sources, and returns the directory to build in.
func Sources(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for _, dir := range []string{"kmod/module", "kernel/uapi"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(strings.TrimSpace(string(root)), dir))); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(to, "kmod/module")
}

// loaded is the edition that is loaded.
var loaded string

// Here reports whether this is a machine that Build has prepared.
func Here() bool { return os.Getenv(envModules) != "" }

// Load makes the module of an edition the one that is loaded. Nobody may use another.
func Load(edition string) error {
	if loaded == edition {
		return nil
	}
	if err := Unload(); err != nil {
		return err
	}
	if err := Insert(filepath.Join(os.Getenv(envModules), edition, name+".ko"), ""); err != nil {
		return err
	}
	loaded = edition
	return nil
}

// Insert loads a module from a file.
func Insert(path, params string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), params, 0); err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}

// Unload takes the module out of the kernel, if it is there. It fails with an error
// that wraps unix.EAGAIN if somebody uses it.
func Unload() error {
	if loaded == "" {
		return nil
	}
	if err := unix.DeleteModule(name, unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("unload %s: %w", name, err)
	}
	loaded = ""
	return nil
}
