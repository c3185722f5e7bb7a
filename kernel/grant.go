package kernel

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// capNames are the capabilities that drivers ask for.
var capNames = map[int]string{
	unix.CAP_BPF: "CAP_BPF", unix.CAP_PERFMON: "CAP_PERFMON", unix.CAP_DAC_READ_SEARCH: "CAP_DAC_READ_SEARCH", unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN",
	unix.CAP_SYS_MODULE: "CAP_SYS_MODULE", unix.CAP_SYS_PTRACE: "CAP_SYS_PTRACE", unix.CAP_SYS_RESOURCE: "CAP_SYS_RESOURCE",
}

// Has reports whether we have a capability. CAP_SYS_ADMIN includes the two that
// Linux 5.8 took out of it (include/linux/capability.h:bpf_capable, perfmon_capable).
func (m *Machine) Has(c int) bool {
	if (c == unix.CAP_BPF || c == unix.CAP_PERFMON) && m.Caps>>unix.CAP_SYS_ADMIN&1 != 0 {
		return true
	}
	return m.Caps>>c&1 != 0
}

// lacking returns the names of those capabilities that we do not have.
func (m *Machine) lacking(caps ...int) (names []string) {
	for _, c := range caps {
		if !m.Has(c) {
			names = append(names, capNames[c])
		}
	}
	return names
}

// grant says how to get capabilities where we are. Names are without CAP_.
func (m *Machine) grant(names ...string) string {
	switch m.Platform {
	case "ecs-fargate":
		if len(names) == 1 && names[0] == "SYS_PTRACE" {
			return `add SYS_PTRACE to linuxParameters.capabilities.add of the task definition`
		}
		return "nothing: Fargate grants no capability but SYS_PTRACE"
	case "cloud-run":
		return "nothing: Cloud Run grants no capabilities"
	case "kubernetes":
		return "securityContext.capabilities.add: [" + strings.Join(names, ", ") + "], as user 0; Fargate and Autopilot refuse it"
	}
	switch m.Container {
	case "docker", "podman":
		return m.Container + " run --cap-add=" + strings.Join(names, " --cap-add=")
	case "":
		caps := "cap_" + strings.Join(names, ",cap_")
		return "run trace as root, or setcap " + strings.ToLower(caps) + "+ep on it"
	}
	return "add " + strings.Join(names, ", ") + " to the container's capabilities"
}

// allow says how to get a system call past the filter that we are under.
func (m *Machine) allow(call string) string {
	switch {
	case m.Platform == "ecs-fargate" && call == "ptrace":
		return m.grant("SYS_PTRACE")
	case m.Platform == "kubernetes":
		return "a securityContext.seccompProfile that allows " + call + " (type Unconfined allows all)"
	case m.Container == "docker" || m.Container == "podman":
		return m.Container + " run --security-opt seccomp=FILE, a profile that allows " + call + " (or unconfined)"
	}
	return "allow " + call + " in the filter that trace was started under"
}

// AllowPtrace says what would help where ptrace is refused, empty if that is not
// known.
func (m *Machine) AllowPtrace() string {
	switch {
	case m.Yama.Known && m.Yama.Value == 3:
		return "kernel.yama.ptrace_scope below 3, which takes a reboot"
	case m.Yama.Known && m.Yama.Value == 2 && !m.Has(unix.CAP_SYS_PTRACE):
		return m.grant("SYS_PTRACE")
	case m.Seccomp == procfs.SeccompFilter:
		return m.allow("ptrace")
	}
	return ""
}
