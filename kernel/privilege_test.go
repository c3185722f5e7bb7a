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

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envCaps says that this process is to go on with some capabilities (a mask) and no
// others, and little memory that it may lock; or, if that is done, to start the
// modern probe.
const (
	envCaps = "LANNER_KERNEL_CAPS"
	dropped = "dropped"
)

func openWith(caps string) {
	if caps != dropped {
		drop(caps)
	}
	events, err := event.ParseSet("procexit", spec.Current)
	if err != nil {
		panic(err)
	}
	d, name, _, err := Open(Auto, Config{Profile: spec.Current, Events: events, Scope: Scope{Host: true}, BufferBytes: 64 << 10})
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
	for caps, want := range map[uint64]string{
		least | resource:                 ModernBPF,
		least:                            without,
		1<<unix.CAP_SYS_ADMIN | resource: ModernBPF,
		1<<unix.CAP_BPF | resource:       "modern-bpf: trace lacks CAP_PERFMON",
		1<<unix.CAP_PERFMON | resource:   "modern-bpf: trace lacks CAP_BPF",
		0:                                "modern-bpf: trace lacks CAP_BPF and CAP_PERFMON",
	} {
		if caps&^m.Caps != 0 {
			t.Logf("capabilities %x are not ours to give", caps)
			continue
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), envCaps+"="+strconv.FormatUint(caps, 16))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("with capabilities %x: %v %q, want %q", caps, err, out, want)
		}
	}
}
