package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/lacktest"
	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envCaps says that this process is to go on with some capabilities (a mask) and no
// others, and little memory that it may lock; or, if that is done, to start a driver,
// which envDriver names.
const (
	envCaps   = "LANNER_KERNEL_CAPS"
	envDriver = "LANNER_KERNEL_DRIVER"
	dropped   = "dropped"
)

func openWith(caps string) {
	if caps != dropped {
		drop(caps)
	}
	events, err := event.ParseSet("procexit", spec.Current)
	if err != nil {
		panic(err)
	}
	driver := os.Getenv(envDriver)
	bufferBytes := 64 << 10
	if driver == ClassicBPF {
		bufferBytes = 8 << 20 // what users have
	}
	d, name, _, err := Open(driver, Config{Profile: spec.Current, Events: events, Scope: Scope{Host: true}, BufferBytes: bufferBytes})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name)
	d.Close()
}

// drop starts this program anew with less: what root gets with execve is the
// bounding set, and that belongs to a thread.
func drop(caps string) {
	runtime.LockOSThread()
	mask, err := strconv.ParseUint(caps, 16, 64)
	if err != nil {
		panic(err)
	}
	for c := range 64 {
		if mask>>c&1 == 0 {
			unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0) // an error where there is no such capability
		}
	}
	const little = 64 << 10
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: little, Max: little}); err != nil {
		panic(err)
	}
	os.Setenv(envCaps, dropped)
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// TestPrivilege: what the modern probe needs on this kernel, and what is said where
// it is missing. Only kernels that take BPF memory for locked memory want
// CAP_SYS_RESOURCE.
func TestPrivilege(t *testing.T) {
	m := Look()
	if v := Drivers(m)[0]; !v.Usable || os.Getuid() != 0 {
		t.Skipf("needs root and the modern probe: %v", v)
	}
	const least = 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON
	const resource = 1 << unix.CAP_SYS_RESOURCE
	without := ModernBPF
	if m.MemcgCharge == Missing {
		without = "modern-bpf: this kernel takes BPF memory for locked memory, of which trace may have 64 KiB"
	}
	withCaps(t, Auto, m.Caps, map[uint64]string{
		least | resource:                 ModernBPF,
		least:                            without,
		1<<unix.CAP_SYS_ADMIN | resource: ModernBPF,
		1<<unix.CAP_BPF | resource:       "modern-bpf: trace lacks CAP_PERFMON",
		1<<unix.CAP_PERFMON | resource:   "modern-bpf: trace lacks CAP_BPF",
		0:                                "modern-bpf: trace lacks CAP_BPF and CAP_PERFMON",
	})
}

// withCaps starts a driver with some capabilities of those that are ours to give, and looks
// at what comes of it: its name, or what is said.
func withCaps(t *testing.T, driver string, ours uint64, cases map[uint64]string) {
	t.Helper()
	for caps, want := range cases {
		if caps&^ours != 0 {
			t.Logf("capabilities %x are not ours to give", caps)
			continue
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), envCaps+"="+strconv.FormatUint(caps, 16), envDriver+"="+driver)
		out, err := cmd.CombinedOutput()
		said, one := strings.CutSuffix(string(out), "\n")
		if started := !strings.Contains(want, ":"); started {
			one = one && said == want
		}
		if err != nil || !one || !strings.HasPrefix(said, want) || strings.Contains(said, "\n") {
			t.Errorf("with capabilities %x: %v %q, want %q", caps, err, out, want)
		}
	}
}

// TestClassicPrivilege: what the classic probe needs on this kernel, whatever the kernel
// lets others measure. Before Linux 5.11 BPF memory is locked memory.
func TestClassicPrivilege(t *testing.T) {
	if probetest.Dir() == "" {
		t.Skip("for the virtual machines of TestKernels")
	}
	t.Setenv(probeVariables[0], probetest.In(probetest.Dir(), spec.Current))
	const paranoid = "/proc/sys/kernel/perf_event_paranoid"
	old, err := os.ReadFile(paranoid)
	if err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(paranoid, old, 0)
	const least = 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON
	const resource = 1 << unix.CAP_SYS_RESOURCE
	m := Look()
	without := ClassicBPF
	if m.MemcgCharge == Missing {
		without = "bpf: this kernel takes BPF memory for locked memory, of which trace may have 64 KiB"
	}
	const (
		locked  = "bpf: trace may not lock 8192 KiB of memory for each CPU's perf buffer"
		refused = "bpf: perf_event_open(2) is refused: it takes CAP_PERFMON, and CAP_SYS_ADMIN where"
	)
	for level, want := range map[string]struct{ resource, least string }{
		"-1": {ClassicBPF, without},
		"2":  {ClassicBPF, locked},
		"3":  {refused, refused}, // Debian's own
	} {
		if without != ClassicBPF {
			want.least = without
		}
		if err := os.WriteFile(paranoid, []byte(level), 0); err != nil {
			t.Fatal(err)
		}
		t.Logf("kernel.perf_event_paranoid is %s", level)
		withCaps(t, ClassicBPF, m.Caps, map[uint64]string{
			1<<unix.CAP_SYS_ADMIN | resource | 1<<unix.CAP_SYS_PTRACE: ClassicBPF,
			least | resource:               want.resource,
			least:                          want.least,
			1<<unix.CAP_BPF | resource:     "bpf: trace lacks CAP_PERFMON",
			1<<unix.CAP_PERFMON | resource: "bpf: trace lacks CAP_BPF",
		})
	}
}

// TestClassicWithoutTracefs: raw tracepoints are asked of bpf(2), so that nothing has to be
// mounted.
func TestClassicWithoutTracefs(t *testing.T) {
	if probetest.Dir() == "" {
		t.Skip("for the virtual machines of TestKernels")
	}
	t.Setenv(probeVariables[0], probetest.In(probetest.Dir(), spec.Current))
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing", "/sys/kernel/debug"} {
		_ = unix.Unmount(dir, 0) // some of them are
	}
	if _, err := os.Stat("/sys/kernel/tracing/events"); err == nil {
		t.Fatal("tracefs is mounted still")
	}
	events, err := event.ParseSet("procexit", spec.Current)
	if err != nil {
		t.Fatal(err)
	}
	d, _, _, err := Open(ClassicBPF, Config{Profile: spec.Current, Events: events, Scope: Scope{Host: true}, BufferBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := exec.Command("/proc/self/exe", "-test.run=^$").Run(); err != nil {
		t.Fatal(err)
	}
	var ev event.Event
	for {
		if err := d.ReadInto(&ev); err != nil {
			t.Fatal(err)
		}
		if ev.Type() == event.ProcExitE {
			break
		}
	}
}

// TestClassicInstead: where the kernel has no BTF, or no BPF ring buffers, auto goes on to
// the classic probe and says why.
func TestClassicInstead(t *testing.T) {
	if probetest.Dir() == "" {
		t.Skip("for the virtual machines of TestKernels")
	}
	t.Setenv(probeVariables[0], probetest.In(probetest.Dir(), spec.Current))
	for name, c := range map[string]struct {
		way  []string
		lack func(m *Machine)
	}{
		"no BTF":         {lacktest.NoBTF(t), func(m *Machine) { m.BTF, m.TracingBTF = Missing, Missing }},
		"no ring buffer": {lacktest.NoMaps(t, ebpf.RingBuf), func(m *Machine) { m.RingBuffer = Missing }},
	} {
		m := *Look()
		c.lack(&m)
		want := "trace: using bpf; " + Drivers(&m)[0].String() + "\nprocexit\n"
		// ptrace does not know --dynamic-snaplen, so that it is not the choice.
		argv := append(c.way, "/bin/trace", "--dynamic-snaplen", "-e", "procexit", "--format", "%evt.type", "/bin/sh", "-c", "exit 3")
		cmd := exec.Command(argv[0], argv[1:]...)
		out, _ := cmd.CombinedOutput()
		if string(out) != want || cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%s: %v %q, want %q", name, cmd.ProcessState, out, want)
		}
	}
}
