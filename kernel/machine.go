package kernel

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// A Machine is what drivers care about: the kernel, and what it lets us do.
type Machine struct {
	Release string  // as uname(2) has it
	Version Version // 0: unknown

	BTF, TracingBTF, RingBuffer, MemcgCharge Support // see Features

	Module       Support // the kernel module is loaded
	ModuleDevice error   // why its first device can't be opened

	Caps       uint64 // effective capabilities of ours, bit n is capability n
	Memlock    uint64 // bytes that we may lock into memory at most (hard RLIMIT_MEMLOCK)
	Lockdown   string // none, integrity or confidentiality; empty if not told (kernel_lockdown(7))
	Tracefs    bool   // mounted, and to be looked into
	Seccomp    uint8  // as procfs.Status has it
	NoNewPrivs bool
	PIDNS      bool // our PID namespace is not the machine's first
	UserNS     bool // nor is our user namespace

	Paranoid     Setting // kernel.perf_event_paranoid
	Unprivileged Setting // kernel.unprivileged_bpf_disabled
	Yama         Setting // kernel.yama.ptrace_scope

	GVisor    bool   // no Linux at all
	Container string // what runs the container that we are in; empty: none, or it hides well
	Platform  string // where that runs, if it has limits of its own: kubernetes, ecs-fargate, cloud-run
}

// A Setting is a number among the kernel's settings.
type Setting struct {
	Value int
	Known bool // false: this kernel has no such setting, or does not show it
}

func (s Setting) String() string {
	if !s.Known {
		return "none"
	}
	return strconv.Itoa(s.Value)
}

// Look describes the machine that we run on.
var Look = sync.OnceValue(func() *Machine {
	m := look("", os.Getenv)
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		m.Release = unix.ByteSliceToString(uts.Release[:])
	}
	m.Version = running()
	m.Module, m.ModuleDevice = moduleState()
	m.BTF, m.TracingBTF, m.RingBuffer, m.MemcgCharge = BTF.Here(), TracingBTF.Here(), RingBuffer.Here(), MemcgCharge.Here()
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil {
		m.Memlock = limit.Max
	}
	return m
})

// Inodes of the first namespaces (include/linux/proc_ns.h).
const (
	initUserNS = "user:[4026531837]" // PROC_USER_INIT_INO, 0xEFFFFFFD
	initPIDNS  = "pid:[4026531836]"  // PROC_PID_INIT_INO, 0xEFFFFFFC
)

// look reads what files below root and an environment tell.
func look(root string, env func(string) string) *Machine {
	proc := root + "/proc"
	own := procfs.ReadStatus(proc + "/self")
	m := &Machine{
		Caps: own.CapEff, Seccomp: own.Seccomp, NoNewPrivs: own.NoNewPrivs,
		Lockdown: lockdown(root + "/sys/kernel/security/lockdown"),
		Tracefs:  exists(root+"/sys/kernel/tracing/events") || exists(root+"/sys/kernel/debug/tracing/events"),
		PIDNS:    leadsElsewhere(proc+"/self/ns/pid", initPIDNS),
		UserNS:   leadsElsewhere(proc+"/self/ns/user", initUserNS),
		GVisor:   gVisor(line(proc + "/version")),
	}
	m.Paranoid = setting(proc, "kernel.perf_event_paranoid")
	m.Unprivileged = setting(proc, "kernel.unprivileged_bpf_disabled")
	m.Yama = setting(proc, "kernel.yama.ptrace_scope")
	m.Container, m.Platform = container(root, env), platform(env)
	return m
}

func setting(proc, name string) Setting {
	v, ok := procfs.Sysctl(proc, name)
	return Setting{v, ok}
}

// leadsElsewhere reports whether a link can be read and leads to something else.
func leadsElsewhere(link, to string) bool {
	name, err := os.Readlink(link)
	return err == nil && name != to
}

// lockdown reads "none [integrity] confidentiality" (security/lockdown/lockdown.c:
// lockdown_read).
func lockdown(name string) string {
	_, rest, _ := strings.Cut(line(name), "[")
	level, _, _ := strings.Cut(rest, "]")
	return level
}

// line returns the first line of a file, empty if there is none.
func line(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
