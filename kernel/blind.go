package kernel

import "golang.org/x/sys/unix"

// Ptrace is the driver that needs no kernel driver. Package kernel does not run
// it, but knows what it would not see here.
const Ptrace = "ptrace"

// A Blind says what a driver would not see.
type Blind struct {
	Driver string `json:"driver"`
	What   string `json:"what"`
	Change string `json:"change"` // what would help; empty if nothing does
}

// BlindSpots lists what drivers would not see here though they can be used: what
// is beyond the walls of this container, and of other users.
func BlindSpots(m *Machine) (list []Blind) {
	add := func(driver, what, change string) { list = append(list, Blind{driver, what, change}) }
	if m.Container != "" || m.GVisor || m.PIDNS {
		add(Ptrace, "what is started into this container from outside (docker exec, kubectl exec, ECS Exec, exec probes)",
			"-p its PID, or --host with a kernel driver")
	}
	if m.PIDNS {
		add(Ptrace, "processes outside of this PID namespace", m.hostPIDs())
		add(ModernBPF, "programs, directories and files that processes outside of this PID namespace had from before the start", m.hostPIDs())
	}
	switch {
	case !m.Has(unix.CAP_SYS_PTRACE):
		grant := m.grant("SYS_PTRACE")
		add(Ptrace, "processes of other users, with -p", grant)
		if m.Yama.Known && m.Yama.Value == 1 {
			add(Ptrace, "processes that trace did not start, with -p (kernel.yama.ptrace_scope is 1)", grant)
		}
		add(ModernBPF, "programs, directories and files that processes of other users, or with more rights, had from before the start", grant)
	case !m.Has(unix.CAP_DAC_READ_SEARCH) && !m.Has(unix.CAP_DAC_OVERRIDE):
		// /proc/PID/fd is a directory of mode 0500 (fs/proc/base.c:tgid_base_stuff).
		add(ModernBPF, "files that processes of other users had open before the start", m.grant("DAC_READ_SEARCH"))
	}
	return list
}

// hostPIDs says how to see all processes of the machine.
func (m *Machine) hostPIDs() string {
	switch {
	case m.Platform == "kubernetes":
		return "hostPID: true"
	case m.Platform != "":
		return ""
	case m.Container == "docker" || m.Container == "podman":
		return m.Container + " run --pid=host"
	}
	return "run trace outside of the namespace"
}
