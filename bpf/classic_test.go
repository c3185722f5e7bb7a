package bpf

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// classicLimits are what the classic probe leaves of long things: STRING_MAX, IOV_SEEN,
// POLL_MAX, MMSG_MAX and STRINGS_STEPS * STRINGS_ROUNDS of classic/.
var classicLimits = eventtest.Limits{String: 4096, Iovecs: 16, PollFDs: 227, Messages: 28, ExecStrings: 384}

// kernelMachine is what the kernel calls the machine.
var kernelMachine = map[spec.Arch]string{spec.X86: "x86", spec.Arm64: "arm64"}[machine]

// built has probes for the running kernel, one for each edition; an error if there are
// no headers of it.
var built = sync.OnceValues(func() (string, error) {
	if dir := probetest.Dir(); dir != "" {
		return dir, nil
	}
	h, err := headers.Find(release(), kernelMachine)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "lanner-probes-")
	return dir, errors.Join(err, probetest.Compile(h, dir))
})

// probe returns the file of a probe for the running kernel.
func probe(t *testing.T, in spec.Profile) string {
	t.Helper()
	dir, err := built()
	var missing *headers.MissingError
	if errors.As(err, &missing) {
		t.Skip(err) // what runs here may be anybody's; TestKernels has headers
	}
	if err != nil {
		t.Fatal(err)
	}
	return probetest.In(dir, in)
}

// openClassic returns what opens the probe for the running kernel.
func openClassic(t *testing.T) func(Config) (*Classic, error) {
	return func(cfg Config) (*Classic, error) { return OpenClassic(cfg, probe(t, cfg.Profile)) }
}

// onTracepoints reports whether the probe is that of kernels without raw tracepoints.
func onTracepoints(t *testing.T) bool {
	t.Helper()
	o, err := loadObject(probe(t, spec.Current))
	if err != nil {
		t.Fatal(err)
	}
	return o.kind() == ebpf.TracePoint
}

// TestClassicConformance runs the suite on the classic probe.
func TestClassicConformance(t *testing.T) {
	name, skip := "bpf", drivertest.SkipChildren
	if onTracepoints(t) {
		name = "bpf on tracepoints"
		skip = func(c *eventtest.Case, in spec.Profile) string {
			if strings.HasSuffix(c.Name, "signals") {
				return "the record of signal_deliver does not say who sent it"
			}
			return ""
		}
	}
	drivertest.Conformance(t, eventtest.Driver{Name: name, Limits: classicLimits, Skip: skip}, openClassic(t))
}

// TestClassicNoTracefs: where tracepoints can't be found one line says why.
func TestClassicNoTracefs(t *testing.T) {
	if !onTracepoints(t) {
		t.Skip("raw tracepoints need no tracefs: for the virtual machine of TestKernelsTracepoints")
	}
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing", "/sys/kernel/debug"} {
		_ = unix.Unmount(dir, 0) // some of them are
	}
	_, err := OpenClassic(Config{Profile: spec.Current, Events: drivertest.Set(t, "close", spec.Current), Scope: Scope{PIDs: []int{os.Getppid()}}}, probe(t, spec.Current))
	if err == nil || !strings.Contains(err.Error(), "tracefs, which is not mounted: mount -t tracefs") || strings.Contains(err.Error(), "\n") {
		t.Errorf("without tracefs: %v", err)
	}
}
