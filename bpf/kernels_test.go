package bpf

import (
	"os"
	"testing"

	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// commands are what tests of the classic probe run.
var commands = []string{"cat", "sh", "true", "dd"}

// TestKernels runs the suite on the classic probe on other kernels and on another architecture.
func TestKernels(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		t.Run(k.Name, func(t *testing.T) {
			skipNewest(t, k)
			t.Parallel()
			vm := vmtest.Suite(t, k)
			vm.AddBusybox(t, commands...)
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

// TestKernelsReload loads the probe again and again on the kernel that has a bug for those who
// are careless about it, see fillTails: it was hit in one run of four.
func TestKernelsReload(t *testing.T) {
	t.Parallel()
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "5.10" {
			continue
		}
		vm := vmtest.VM{Kernel: k, CPUs: 4, Env: []string{"GOMAXPROCS=8"}}
		vm.AddBusybox(t, commands...)
		probetest.Build(t, &vm)
		vm.Test(t, "-test.run=^TestClassicReload$")
	}
}

// TestKernelsTracepoints runs the suite on the probe of kernels before 4.17, which have no
// raw tracepoints, on the oldest kernel that can be had: records of tracepoints are as they
// were.
func TestKernelsTracepoints(t *testing.T) {
	t.Parallel()
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "5.10" {
			continue
		}
		vm := vmtest.Suite(t, k)
		vm.AddBusybox(t, commands...)
		probetest.Build(t, &vm, probetest.Tracepoints)
		vm.Test(t, "-test.run=^TestClassic(Verify|Conformance|Full|Wrap|Tree|NoTracefs)$")
	}
}
