package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Variables that name the file of the classic probe; the second is Falco's. Set but empty
// they mean the default.
var probeVariables = []string{"LANNER_BPF_PROBE", "FALCO_BPF_PROBE"}

// ProbeFile returns the file of the classic probe for an edition: the one that the
// environment names, or where trace driver build puts it.
func ProbeFile(in spec.Profile) (string, error) {
	for _, name := range probeVariables {
		if file := os.Getenv(name); file != "" {
			return file, nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("the classic probe is in the home directory, and HOME is not set: set " + probeVariables[0])
	}
	name := "lanner-bpf.o"
	if in == spec.V036 {
		name = "lanner-bpf-0.36.o"
	}
	return filepath.Join(home, ".lanner", name), nil
}

// oldest is the first kernel that the probe is for: before it, programs on tracepoints may
// not read strings or look at cgroups (kernel/trace/bpf_trace.c: tracing_func_proto).
var oldest = version(4, 14)

// preemptible is the first kernel on which programs at system calls may be preempted:
// its trace/bpf_probe.h does not forbid that any more (__BPF_DECLARE_TRACE_SYSCALL). The
// classic probe lays out an event in memory that all threads on a CPU share.
var preemptible = version(7, 0)

var errPreempt = errors.New("since Linux 7 programs at system calls may be preempted, and the classic probe would mix up the events of threads")

// classicBPF goes through what the probe needs, the hardest to change first.
func classicBPF(m *Machine) (why, change string) {
	switch {
	case m.GVisor:
		return "gVisor is not a Linux kernel and has no BPF", "use ptrace, which works there"
	case m.Version != 0 && m.Version < oldest:
		return "the probe is not for Linux " + m.Version.String(), "use Linux " + oldest.String() + " or later"
	case m.Version >= preemptible:
		return errPreempt.Error(), "use modern-bpf, with a kernel that has CONFIG_DEBUG_INFO_BTF"
	case m.PIDNS:
		return errPIDNS.Error(), m.hostPIDs()
	case m.UserNS:
		return "capabilities of a user namespace do not reach BPF", "run trace outside of it, not in a rootless container"
	}
	if lacking := m.lacking(unix.CAP_BPF, unix.CAP_PERFMON); len(lacking) > 0 {
		return "trace lacks " + strings.Join(lacking, " and "), m.grant("SYS_ADMIN", "SYS_RESOURCE", "SYS_PTRACE")
	}
	if m.Lockdown == "confidentiality" {
		return "the kernel is locked down: BPF may not read its memory", "boot with lockdown=integrity or none"
	}
	if why, change := m.lockedMemory(); why != "" {
		return why, change
	}
	file, err := ProbeFile(spec.Current)
	if err == nil {
		err = bpf.CheckClassic(file, spec.Current, Look().Release)
	}
	return classicFile(err)
}

// classicFile words what is wrong with the probe's file.
func classicFile(err error) (why, change string) {
	var wrong *bpf.ProbeError
	if !errors.As(err, &wrong) {
		if err != nil {
			why = err.Error()
		}
		return why, ""
	}
	h := Half{Driver: ClassicBPF, Profile: wrong.In}
	change = h.buildCommand()
	if errors.Is(err, os.ErrNotExist) {
		return "there is no probe " + wrong.File, change
	}
	return wrong.Error(), change
}

// openClassic starts the classic probe.
func openClassic(cfg Config) (Driver, error) {
	if leadsElsewhere("/proc/self/ns/pid", initPIDNS) {
		return nil, errPIDNS
	}
	if running() >= preemptible {
		return nil, errPreempt
	}
	file, err := ProbeFile(cfg.Profile)
	if err != nil {
		return nil, err
	}
	return bpf.OpenClassic(cfg, file)
}
