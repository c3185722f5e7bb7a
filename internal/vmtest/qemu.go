package vmtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// An emulator is a QEMU, and what of its machine is not as elsewhere.
type emulator struct {
	program string
	machine []string // arguments
	results []string // the arguments that make the second serial port, a file
	port    string   // its name inside
	append  string   // of the kernel's command line
}

var emulators = map[string]*emulator{
	"amd64": {
		program: "qemu-system-x86_64",
		// QEMU before 8 leaves rubbish in the flags after a cmpxchg16b without lock,
		// which the allocator of Linux 6.12 uses (mm/slub.c) if the processor has it.
		machine: []string{"-cpu", "max,cx16=off"},
		results: []string{"-serial", "chardev:results"},
		port:    "/dev/ttyS1",
		// Kernels before 6.12 find the emulated time stamp counter wanting. Without
		// it clock_gettime is a system call, of which there are then very many.
		append: "console=ttyS0 tsc=reliable",
	},
	"arm64": {
		program: "qemu-system-aarch64",
		machine: []string{"-M", "virt", "-cpu", "cortex-a57"},
		// The machine has one port of its own.
		results: []string{"-device", "pci-serial,chardev=results"},
		port:    "/dev/ttyS0",
		append:  "console=ttyAMA0",
	},
}

func (vm *VM) emulator() *emulator { return emulators[vm.Kernel.Arch] }

// ports is what came out of a machine's serial ports.
type ports struct{ results, console []byte }

// boot runs a machine until it goes off; dir is for its files.
func (vm *VM) boot(image, initrd, dir string) (*ports, error) {
	e := vm.emulator()
	limit := cmp.Or(vm.Limit, defaultLimit)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	resultsFile, consoleFile := filepath.Join(dir, "results"), filepath.Join(dir, "console")
	args := append([]string{"-n", "10", e.program}, e.machine...)
	// All processors in one thread: else one may go on running what another has patched,
	// and at the sites of tracepoints that come and go it then traps for good (seen with
	// QEMU 7.2: two processors for ever at the jump label of a tracepoint).
	args = append(args, "-accel", "tcg,thread=single", "-m", strconv.Itoa(cmp.Or(vm.Memory, 1024)), "-smp", strconv.Itoa(cmp.Or(vm.CPUs, 2)),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", image, "-initrd", initrd, "-append", strings.Join([]string{"quiet mitigations=off", panics, e.append, vm.Append}, " "),
		"-chardev", "file,id=results,path="+resultsFile, "-serial", "file:"+consoleFile)
	args = append(args, e.results...)
	cmd := exec.CommandContext(ctx, "nice", args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	// QEMU ends with us, even if the test is killed. The signal is sent when the
	// thread that started it ends (prctl(2), PR_SET_PDEATHSIG), so that has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("not done after %v", limit)
	case err != nil:
		err = fmt.Errorf("%s: %w: %s", e.program, err, tail(complaints.Bytes(), 3))
	}
	// A file that is not there was not written to.
	results, _ := os.ReadFile(resultsFile)
	console, _ := os.ReadFile(consoleFile)
	return &ports{results, console}, err
}

// panics ends a machine at once that has a fault in the kernel, no memory left, or is stuck.
// It would go on for a while, or be idle until its time is up; what was running when it
// happened would no longer be at the console's end.
const panics = "panic=-1 oops=panic softlockup_panic=1 hung_task_panic=1 sysctl.vm.panic_on_oom=1"

// A fault has a number, as in "general protection fault: 0000 [#1]"; Linux says BUG, Oops, or
// neither before it (arch/x86/kernel/dumpstack.c: __die_header).
var complaints = regexp.MustCompile(`(?m)^.*(Kernel panic|Oops|BUG: |kernel BUG at |\[#\d+\]|WARNING: |UBSAN: ).*$`)

// complaint returns a line of the console that says that the kernel, or what was
// loaded into it, has a bug.
func complaint(console []byte) string {
	return strings.TrimSpace(string(complaints.Find(console)))
}

// tail returns the last lines of a text.
func tail(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
