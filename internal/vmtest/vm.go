package vmtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/debian"
	"github.com/lannerhq/lanner/internal/vmtest/plan"
)

// A VM is a virtual machine, as it is to be booted.
type VM struct {
	Kernel Kernel
	CPUs   int           // 0 is 2
	Memory int           // MiB; 0 is 1024, of which half can be files in /tmp
	Append string        // of the kernel's command line
	Limit  time.Duration // from power-on to power-off; 0 is ten minutes

	// Modules are loaded in this order: names of the kernel's own, without what
	// they depend on, or paths of .ko files.
	Modules []string

	// Files are what the machine has: names in it, each with a file or directory
	// of this machine.
	Files map[string]string

	Env []string // further environment of the program
	Dir string   // its working directory; "" is /
}

// Add gives the machine a file or directory of this machine, by a name in it.
func (vm *VM) Add(name, from string) {
	if vm.Files == nil {
		vm.Files = make(map[string]string)
	}
	vm.Files[name] = from
}

// AddBusybox gives the machine programs in /bin that are busybox's.
func (vm *VM) AddBusybox(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		vm.Add("/bin/"+name, Busybox(t, vm.Kernel.Arch))
	}
}

// defaultLimit is several times what a suite takes that takes ten seconds without
// emulation.
const defaultLimit = 10 * time.Minute

// Run boots the machine, runs a program that is among its files, and returns
// what it printed and its exit status, which is 128+n for signal n.
func (vm VM) Run(t testing.TB, argv ...string) (output []byte, status int) {
	t.Helper()
	e := vm.run(t, argv...)
	return e.output, e.status
}

// An ended machine.
type ended struct {
	kernel string // release
	output []byte
	status int
	took   time.Duration // from power-on to power-off
}

func (vm *VM) run(t testing.TB, argv ...string) *ended {
	t.Helper()
	kernel, err := vm.Kernel.fetch()
	if err != nil {
		need(t, fmt.Errorf("no Linux %s: %w", vm.Kernel.Name, err))
	}
	if _, err := exec.LookPath(vm.emulator().program); err != nil {
		need(t, fmt.Errorf("no QEMU: %w", err))
	}
	dir := t.TempDir()
	init := filepath.Join(dir, "init")
	goTool(t, vm.Kernel.Arch, "build", "-o", init, "github.com/lannerhq/lanner/internal/vmtest/init")
	initrd := filepath.Join(dir, "initrd")
	if err := vm.pack(initrd, init, kernel, argv); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ports, err := vm.boot(kernel.image, initrd, dir)
	e := &ended{kernel: kernel.version, took: time.Since(began)}
	output, status, failed := ports.verdict(err)
	e.output, e.status = output, status
	t.Logf("Linux %s, %s: %.0f s", kernel.version, vm.Kernel.Arch, e.took.Seconds())
	if failed != nil {
		t.Errorf("%v; the end of the console:\n%s\nand of the output:\n%s", failed, tail(ports.console, 100), tail(output, 40))
	}
	return e
}

// verdict says what became of a machine; err is what QEMU had to say.
func (p *ports) verdict(err error) (output []byte, status int, _ error) {
	output, end, ok := plan.Cut(p.results)
	switch complaint := complaint(p.console); {
	case complaint != "":
		return output, -1, fmt.Errorf("the kernel complains: %s", complaint)
	case err != nil:
		return output, -1, err
	case !ok:
		return output, -1, errors.New("the machine went off before the program ended")
	case end.Error != "":
		return output, -1, fmt.Errorf("init: %s", end.Error)
	}
	return output, end.Status, nil
}

// goTool runs the go command for a machine of an architecture.
func goTool(t testing.TB, arch string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// pack makes the initial file system.
func (vm *VM) pack(name, init string, kernel *files, argv []string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	p := plan.Plan{
		Port: vm.emulator().port, Argv: argv, Dir: cmp.Or(vm.Dir, "/"),
		Env: append([]string{"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root", "TMPDIR=/tmp", "TZ=UTC"}, vm.Env...),
	}
	a := newArchive(f)
	a.console()
	for _, module := range vm.Modules {
		from, err := kernel.module(module)
		if err != nil {
			return err
		}
		to := path.Join("/modules", filepath.Base(from))
		if err := a.add(to[1:], from); err != nil {
			return err
		}
		p.Modules = append(p.Modules, to)
	}
	text, err := json.Marshal(&p)
	if err != nil {
		return err
	}
	a.text(plan.File[1:], text)
	a.text("etc/passwd", []byte("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"))
	a.text("etc/group", []byte("root:x:0:\nnogroup:x:65534:\n"))
	a.text("etc/hosts", []byte("127.0.0.1 localhost\n::1 localhost\n"))
	a.dir("root")
	if err := a.add("init", init); err != nil {
		return err
	}
	for _, to := range slices.Sorted(maps.Keys(vm.Files)) {
		if err := a.add(strings.TrimPrefix(path.Clean(to), "/"), vm.Files[to]); err != nil {
			return err
		}
	}
	if err := a.close(); err != nil {
		return err
	}
	return f.Close()
}

// BuildTrace builds trace for machines of an architecture.
func BuildTrace(t testing.TB, arch, file string) {
	t.Helper()
	goTool(t, arch, "build", "-o", file, "github.com/lannerhq/lanner/cmd/trace")
}

// Busybox returns the path of a static busybox, for machines that need a shell.
func Busybox(t testing.TB, arch string) string {
	t.Helper()
	root, err := debian.Tree{
		Name: "busybox-" + arch, Suites: []string{"stable"}, Arch: arch, Packages: []string{"busybox-static"},
	}.Fetch()
	if err != nil {
		need(t, fmt.Errorf("no busybox: %w", err))
	}
	for _, name := range []string{"/usr/bin/busybox", "/bin/busybox"} {
		if _, err := os.Stat(root + name); err == nil {
			return root + name
		}
	}
	t.Fatalf("no busybox in %s", root)
	return ""
}
