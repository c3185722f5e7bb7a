package bpf

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// TestKernels runs the suite on the classic probe on other kernels and on another architecture.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			skipNewest(t, k)
			t.Parallel()
			vm := suiteVM(t, k)
			shell(t, &vm)
			probetest.Build(t, &vm)
			run := "Verify|Conformance|Full|Wrap|Tree"
			if os.Getenv(eventtest.EnvReport) != "" {
				run = "Conformance" // reports are of the suite
			}
			vm.Test(t, "-test.run=^TestClassic("+run+")$")
		})
	}
}

// skipNewest skips the classic probe where it can't be used, and reports that.
func skipNewest(t *testing.T, k vmtest.Kernel) {
	t.Helper()
	if k.Name != vmtest.Newest {
		return
	}
	const why = "since Linux 7 programs at system calls may be preempted, and would mix up the events of threads"
	_, release := k.Headers(t)
	eventtest.Unavailable(t, "bpf", release, k.Arch, why)
	t.Skip(why + ": see kernel/classic.go")
}

// TestKernelsTracepoints runs the suite on the probe of kernels before 4.17, which have no
// raw tracepoints, on the oldest kernel that can be had: records of tracepoints are as they
// were.
func TestKernelsTracepoints(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "5.10" {
			continue
		}
		vm := suiteVM(t, k)
		shell(t, &vm)
		probetest.Build(t, &vm, probetest.Tracepoints)
		vm.Test(t, "-test.run=^TestClassic(Verify|Conformance|Full|Wrap|Tree|NoTracefs)$")
	}
}

// suiteVM is one with what the conformance suite needs.
func suiteVM(t *testing.T, k vmtest.Kernel) vmtest.VM {
	t.Helper()
	programs := t.TempDir()
	if err := eventtest.Build(programs, k.Arch, vmtest.CC(t, k.Arch)...); err != nil {
		t.Fatal(err)
	}
	return vmtest.VM{
		Kernel:  k,
		Modules: []string{"unix_diag", "overlay"},
		Files:   map[string]string{"/programs": programs, "/bin/cat": vmtest.Busybox(t, k.Arch)},
		Env:     []string{"LANNER_EVENTTEST_PROGRAMS=/programs"},
	}
}

// shell adds the programs that tests run.
func shell(t *testing.T, vm *vmtest.VM) {
	for _, name := range []string{"sh", "true", "dd"} {
		vm.Files["/bin/"+name] = vmtest.Busybox(t, vm.Kernel.Arch)
	}
}
