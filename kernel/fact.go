package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// A Fact is one thing that drivers care about, for people.
type Fact struct {
	Name  string `json:"name"`
	Since string `json:"since,omitempty"` // first kernel version that has it, if it is a feature
	Value string `json:"value"`
}

// Facts lists what is known of the machine.
func (m *Machine) Facts() []Fact {
	feature := func(f *Feature, here Support) Fact { return Fact{f.Name, f.Since.String(), here.String()} }
	return []Fact{
		{Name: "kernel", Value: m.Release},
		feature(BTF, m.BTF),
		feature(TracingBTF, m.TracingBTF),
		feature(RingBuffer, m.RingBuffer),
		feature(MemcgCharge, m.MemcgCharge),
		{Name: "capabilities", Value: m.capabilities()},
		{Name: "locked memory", Value: m.memlock()},
		{Name: "lockdown", Since: "5.4", Value: known(m.Lockdown, "unknown")},
		{Name: "kernel.perf_event_paranoid", Value: m.Paranoid.String()},
		{Name: "kernel.unprivileged_bpf_disabled", Since: "4.4", Value: m.Unprivileged.String()},
		{Name: "kernel.yama.ptrace_scope", Since: "3.4", Value: m.Yama.String()},
		{Name: "tracefs", Since: "4.1", Value: yes(m.Tracefs)},
		{Name: "seccomp over trace", Since: "3.5", Value: m.seccomp()},
		{Name: "no_new_privs", Since: "3.5", Value: yes(m.NoNewPrivs)},
		{Name: "own PID namespace", Value: yes(m.PIDNS)},
		{Name: "own user namespace", Value: yes(m.UserNS)},
		{Name: "gVisor", Value: yes(m.GVisor)},
		{Name: "container", Value: known(m.Container, "none")},
		{Name: "platform", Value: known(m.Platform, "none")},
	}
}

// capabilities names those that drivers ask for.
func (m *Machine) capabilities() string {
	var have []string
	for _, c := range []int{
		unix.CAP_SYS_ADMIN, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_PTRACE, unix.CAP_SYS_RESOURCE, unix.CAP_DAC_READ_SEARCH,
		unix.CAP_SYS_MODULE,
	} {
		if m.Caps>>c&1 != 0 {
			have = append(have, strings.TrimPrefix(capNames[c], "CAP_"))
		}
	}
	return known(strings.Join(have, " "), "none of use")
}

func (m *Machine) memlock() string {
	if m.Memlock == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return fmt.Sprintf("%d KiB", m.Memlock>>10)
}

func (m *Machine) seccomp() string {
	switch m.Seccomp {
	case procfs.SeccompStrict:
		return "strict"
	case procfs.SeccompFilter:
		return "filter"
	}
	return "none"
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// known returns a text, or another if it is empty.
func known(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
