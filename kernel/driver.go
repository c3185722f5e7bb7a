package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
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

// A candidate is one of the kernel's drivers.
type candidate struct {
	name  string
	check func(m *Machine) (why, change string) // why it can't be used and what would help
	open  func(Config) (Driver, error)
}

// candidates are the kernel's drivers in the order in which they are preferred.
var candidates = []candidate{
	{ModernBPF, modernBPF, openModern},
	{ClassicBPF, classicBPF, openClassic},
	{Module, kernelModule, openModule},
}

// Drivers returns a verdict on each of the kernel's drivers, best first.
func Drivers(m *Machine) (list []Verdict) {
	for _, c := range candidates {
		list = append(list, c.judge(m))
	}
	return list
}

func (c *candidate) judge(m *Machine) Verdict {
	why, change := c.check(m)
	return Verdict{Driver: c.name, Usable: why == "", Why: why, Change: change}
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
	for _, f := range needed {
		if f.here == Missing {
			return "this kernel has no " + f.Name, fmt.Sprintf("use Linux %v or later, with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS", f.Since)
		}
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
	if why, change := m.lockedMemory(); why != "" {
		return why, change
	}
	switch refused := m.RingBuffer == Unknown || m.TracingBTF == Unknown; {
	case refused && m.Seccomp == procfs.SeccompFilter:
		return "a seccomp filter over trace refuses bpf(2)", m.allow("bpf")
	case refused:
		return "bpf(2) is refused in spite of CAP_BPF and CAP_PERFMON", "see what security modules (AppArmor, SELinux) say in the kernel's log"
	}
	return "", ""
}

// lockedMemory says why there is too little memory for maps: until Linux 5.11 that is what
// is locked.
func (m *Machine) lockedMemory() (why, change string) {
	if m.MemcgCharge != Missing || m.Memlock == unix.RLIM_INFINITY || len(m.lacking(unix.CAP_SYS_RESOURCE)) == 0 {
		return "", ""
	}
	return fmt.Sprintf("this kernel takes BPF memory for locked memory, of which trace may have %d KiB", m.Memlock>>10),
		"ulimit -l unlimited, or " + m.grant("SYS_RESOURCE")
}

// errPIDNS says why a driver that does not know PID namespaces is of no use in one: it
// would follow whoever has these ids outside.
var errPIDNS = errors.New("process ids in this PID namespace are not those that the kernel's drivers see")

// openModern starts the modern probe.
func openModern(cfg Config) (Driver, error) {
	d, err := bpf.Open(cfg)
	if err != nil {
		return nil, err // not a Driver that is nil inside
	}
	return d, nil
}
