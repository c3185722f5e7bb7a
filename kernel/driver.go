package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// Names of the kernel's drivers, best first.
const (
	ModernBPF  = "modern-bpf"
	ClassicBPF = "bpf"
	Module     = "kmod"
)

// A Verdict says whether a driver can be used here.
type Verdict struct {
	Driver string `json:"driver"`
	Usable bool   `json:"usable"`
	Why    string `json:"why"`    // it can't; empty if it can
	Change string `json:"change"` // what would help; empty if nothing does
}

// checks are the kernel's drivers in the order in which they are preferred. A
// check returns why a driver can't be used and what would help.
var checks = []struct {
	driver string
	check  func(m *Machine) (why, change string)
}{
	{ModernBPF, modernBPF},
	{ClassicBPF, notBuilt},
	{Module, notBuilt},
}

// Drivers returns a verdict on each of the kernel's drivers, best first.
func Drivers(m *Machine) (list []Verdict) {
	for _, c := range checks {
		list = append(list, judge(c.driver, c.check, m))
	}
	return list
}

func judge(driver string, check func(*Machine) (string, string), m *Machine) Verdict {
	why, change := check(m)
	return Verdict{Driver: driver, Usable: why == "", Why: why, Change: change}
}

// notBuilt is the check of drivers whose kernel half this program does not carry.
func notBuilt(*Machine) (why, change string) {
	return "not part of this build", ""
}

// modernBPF goes through what the probe needs, the hardest to change first.
func modernBPF(m *Machine) (why, change string) {
	needed := []struct {
		*Feature
		here Support
	}{{RingBuffer, m.RingBuffer}, {TracingBTF, m.TracingBTF}}
	if m.GVisor {
		return "gVisor is not a Linux kernel and has no BPF", "use ptrace, which works there"
	}
	for _, f := range needed {
		if f.here != Present && m.Version != 0 && m.Version < f.Since {
			return fmt.Sprintf("Linux %v has no %s", m.Version, f.Name), fmt.Sprintf("use Linux %v or later", f.Since)
		}
	}
	if m.BTF == Missing {
		return "this kernel does not tell its types (no /sys/kernel/btf/vmlinux)", "use a kernel with CONFIG_DEBUG_INFO_BTF"
	}
	if m.UserNS && m.RingBuffer != Present {
		return "capabilities of a user namespace do not reach BPF", "run trace outside of it, not in a rootless container"
	}
	if lacking := m.lacking(unix.CAP_BPF, unix.CAP_PERFMON); len(lacking) > 0 {
		return "trace lacks " + strings.Join(lacking, " and "), m.grant("BPF", "PERFMON", "SYS_PTRACE")
	}
	if m.Lockdown == "confidentiality" {
		return "the kernel is locked down: BPF may not read its memory", "boot with lockdown=integrity or none"
	}
	if m.MemcgCharge == Missing && m.Memlock != unix.RLIM_INFINITY && len(m.lacking(unix.CAP_SYS_RESOURCE)) > 0 {
		return fmt.Sprintf("this kernel takes BPF memory for locked memory, of which trace may have %d KiB", m.Memlock>>10),
			"ulimit -l unlimited, or " + m.grant("SYS_RESOURCE")
	}
	for _, f := range needed {
		switch {
		case f.here == Missing:
			return "this kernel has no " + f.Name, "use a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS"
		case f.here == Unknown && m.Seccomp == procfs.SeccompFilter:
			return "a seccomp filter over trace refuses bpf(2)", m.allow("bpf")
		case f.here == Unknown:
			return "bpf(2) is refused in spite of CAP_BPF and CAP_PERFMON", "see what security modules (AppArmor, SELinux) say in the kernel's log"
		}
	}
	return "", ""
}
