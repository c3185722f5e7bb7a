package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"

	"github.com/lannerhq/lanner/internal/procfs"
)

// able is a machine on which the modern probe works.
func able() Machine {
	return Machine{
		Version: version(6, 1), BTF: Present, TracingBTF: Present, RingBuffer: Present, MemcgCharge: Present,
		Caps: 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON | 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_DAC_READ_SEARCH, Memlock: 8 << 20, Lockdown: "none",
	}
}

// TestModernBPF takes away what the modern probe needs, one at a time.
func TestModernBPF(t *testing.T) {
	const both = 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON
	for name, c := range map[string]struct {
		take        func(m *Machine)
		why, change string // parts of the verdict
	}{
		"nothing":       {func(m *Machine) {}, "", ""},
		"old kernel":    {func(m *Machine) { m.Version, m.RingBuffer = version(5, 4), Missing }, "Linux 5.4 has no BPF ring buffer", "5.8"},
		"backport":      {func(m *Machine) { m.Version = version(4, 18) }, "", ""},
		"preemptible":   {func(m *Machine) { m.Version = version(7, 2) }, "", ""},
		"no BTF":        {func(m *Machine) { m.BTF, m.TracingBTF = Missing, Missing }, "does not tell its types", "CONFIG_DEBUG_INFO_BTF"},
		"gVisor":        {func(m *Machine) { m.GVisor, m.RingBuffer = true, Missing }, "gVisor", "use ptrace"},
		"no CAP_BPF":    {func(m *Machine) { m.Caps &^= 1 << unix.CAP_BPF; m.RingBuffer, m.TracingBTF = Unknown, Unknown }, "trace lacks CAP_BPF", "setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep"},
		"no rights":     {func(m *Machine) { m.Caps &^= both; m.RingBuffer, m.TracingBTF = Unknown, Unknown }, "trace lacks CAP_BPF and CAP_PERFMON", "as root"},
		"SYS_ADMIN":     {func(m *Machine) { m.Caps = 1 << unix.CAP_SYS_ADMIN }, "", ""},
		"docker":        {func(m *Machine) { m.Caps, m.Container = 0, "docker" }, "lacks", "docker run --cap-add=BPF --cap-add=PERFMON --cap-add=SYS_PTRACE"},
		"kubernetes":    {func(m *Machine) { m.Caps, m.Platform = 0, "kubernetes" }, "lacks", "capabilities.add: [BPF, PERFMON, SYS_PTRACE]"},
		"Fargate":       {func(m *Machine) { m.Caps, m.Platform = 0, "ecs-fargate" }, "lacks", "nothing: Fargate"},
		"Cloud Run":     {func(m *Machine) { m.Caps, m.Platform = 0, "cloud-run" }, "lacks", "nothing: Cloud Run"},
		"PID namespace": {func(m *Machine) { m.PIDNS = true }, "", ""},
		"rootless":      {func(m *Machine) { m.UserNS, m.RingBuffer, m.TracingBTF = true, Unknown, Unknown }, "user namespace", "outside"},
		"token":         {func(m *Machine) { m.UserNS = true }, "", ""},
		"lockdown":      {func(m *Machine) { m.Lockdown = "confidentiality" }, "locked down", "lockdown=integrity"},
		"integrity":     {func(m *Machine) { m.Lockdown = "integrity" }, "", ""},
		"memlock":       {func(m *Machine) { m.Version, m.MemcgCharge = version(5, 10), Missing }, "8192 KiB", "SYS_RESOURCE"[4:]},
		"no memlock":    {func(m *Machine) { m.MemcgCharge, m.Memlock = Missing, unix.RLIM_INFINITY }, "", ""},
		"resource":      {func(m *Machine) { m.MemcgCharge, m.Caps = Missing, both|1<<unix.CAP_SYS_RESOURCE }, "", ""},
		"seccomp":       {func(m *Machine) { m.RingBuffer, m.TracingBTF, m.Seccomp = Unknown, Unknown, procfs.SeccompFilter }, "seccomp filter", "allow bpf"},
		"LSM":           {func(m *Machine) { m.RingBuffer, m.TracingBTF = Unknown, Unknown }, "in spite of", "security modules"},
		"not told":      {func(m *Machine) { m.Version, m.RingBuffer = 0, Missing }, "this kernel has no BPF ring buffer", "Linux 5.8 or later"},
		"not tracing":   {func(m *Machine) { m.TracingBTF = Missing }, "no tp_btf programs", "CONFIG_BPF_EVENTS"},
		"no ptrace":     {func(m *Machine) { m.Caps = both }, "", ""},
	} {
		m := able()
		c.take(&m)
		v := Drivers(&m)[0]
		if v.Driver != ModernBPF || v.Usable != (c.why == "") || !strings.Contains(v.Why, c.why) ||
			!strings.Contains(strings.ToLower(v.Change), strings.ToLower(c.change)) || (v.Why == "") != (v.Change == "") ||
			strings.Contains(v.Why+v.Change, "\n") {
			t.Errorf("%s: %+v, want %q and %q", name, v, c.why, c.change)
		}
	}
}

// TestClassicVerdict: what keeps trace from using the classic probe. What is wrong with
// its file comes last, because it is easiest to change.
func TestClassicVerdict(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.o")
	wrong := filepath.Join(t.TempDir(), "wrong.o")
	if err := os.WriteFile(wrong, []byte("no probe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		take func(m *Machine)
		why  string
	}{
		"no file":         {none, func(m *Machine) {}, "there is no probe " + none},
		"no probe":        {wrong, func(m *Machine) {}, wrong + ": this is no classic probe"},
		"gVisor":          {none, func(m *Machine) { m.GVisor = true }, "gVisor"},
		"an old kernel":   {none, func(m *Machine) { m.Version = version(4, 13) }, "the probe is not for Linux 4.13"},
		"a new kernel":    {none, func(m *Machine) { m.Version = version(7, 0) }, "may be preempted"},
		"PID namespace":   {none, func(m *Machine) { m.PIDNS = true }, "process ids"},
		"no capabilities": {none, func(m *Machine) { m.Caps = 0 }, "trace lacks CAP_BPF and CAP_PERFMON"},
		"lockdown":        {none, func(m *Machine) { m.Lockdown = "confidentiality" }, "locked down"},
	} {
		t.Setenv("LANNER_BPF_PROBE", c.file)
		m := able()
		m.Caps = ^uint64(0)
		c.take(&m)
		list := Drivers(&m)
		if v := list[1]; v.Driver != ClassicBPF || v.Usable || !strings.HasPrefix(v.Why, c.why) && !strings.Contains(v.Why, c.why) ||
			v.Change == "" || strings.Contains(v.Why+v.Change, "\n") {
			t.Errorf("%s: %+v, want %q", name, list[1], c.why)
		}
	}
}

// TestProbeFile: Falco's variable works as well, and an empty one means the default.
func TestProbeFile(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	for _, c := range []struct {
		lanner, falco string
		in            spec.Profile
		want          string
	}{
		{"/a.o", "/b.o", spec.Current, "/a.o"},
		{"", "/b.o", spec.Current, "/b.o"},
		{"", "", spec.Current, "/home/x/.lanner/lanner-bpf.o"},
		{"", "", spec.V036, "/home/x/.lanner/lanner-bpf-0.36.o"},
	} {
		t.Setenv("LANNER_BPF_PROBE", c.lanner)
		t.Setenv("FALCO_BPF_PROBE", c.falco)
		if file, err := ProbeFile(c.in); file != c.want || err != nil {
			t.Errorf("%+v: %q, %v", c, file, err)
		}
	}
}

// TestKernelModule: what keeps trace from reading the module.
func TestKernelModule(t *testing.T) {
	for name, c := range map[string]struct {
		take func(m *Machine)
		why  string
	}{
		"nothing":       {func(m *Machine) {}, ""},
		"in a pod":      {func(m *Machine) { m.PIDNS, m.Platform = true, "kubernetes" }, "PID namespace"},
		"not loaded":    {func(m *Machine) { m.Module = Missing }, "the kernel module scap is not loaded"},
		"gVisor":        {func(m *Machine) { m.GVisor, m.Module = true, Missing }, "gVisor"},
		"a container":   {func(m *Machine) { m.ModuleDevice = unix.ENOENT }, "no /dev/scap0"},
		"another user":  {func(m *Machine) { m.ModuleDevice = unix.EACCES }, "may not open /dev/scap0"},
		"PID namespace": {func(m *Machine) { m.PIDNS = true }, "process ids"},
	} {
		m := able()
		m.Module = Present
		c.take(&m)
		if v := Drivers(&m)[2]; v.Driver != Module || v.Usable != (c.why == "") || !strings.Contains(v.Why, c.why) || strings.Contains(v.Why+v.Change, "\n") {
			t.Errorf("%s: %+v, want %q", name, v, c.why)
		}
	}
}

// TestAllowPtrace: what is advised where ptrace is refused.
func TestAllowPtrace(t *testing.T) {
	for name, c := range map[string]struct {
		m    Machine
		want string
	}{
		"Yama 3":         {Machine{Yama: Setting{3, true}, Caps: ^uint64(0)}, "reboot"},
		"Yama 2":         {Machine{Yama: Setting{2, true}}, "cap_sys_ptrace"},
		"Yama 2 as root": {Machine{Yama: Setting{2, true}, Caps: ^uint64(0)}, ""},
		"Yama 1":         {Machine{Yama: Setting{1, true}}, ""},
		"docker":         {Machine{Seccomp: procfs.SeccompFilter, Container: "docker"}, "docker run --security-opt seccomp=FILE"},
		"kubernetes":     {Machine{Seccomp: procfs.SeccompFilter, Platform: "kubernetes"}, "seccompProfile that allows ptrace"},
		"Fargate":        {Machine{Seccomp: procfs.SeccompFilter, Platform: "ecs-fargate"}, "linuxParameters.capabilities.add"},
		"filter":         {Machine{Seccomp: procfs.SeccompFilter}, "allow ptrace"},
	} {
		if got := c.m.AllowPtrace(); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestBlindSpots: a machine without walls has none, and each wall has its own.
func TestBlindSpots(t *testing.T) {
	m := able()
	if list := BlindSpots(&m); len(list) != 0 {
		t.Errorf("on the machine itself, with CAP_SYS_PTRACE: %+v", list)
	}
	for name, c := range map[string]struct {
		take func(m *Machine)
		want []string // driver and a part of the text, in order
	}{
		"container":     {func(m *Machine) { m.Container = "containerd" }, []string{"ptrace kubectl exec"}},
		"PID namespace": {func(m *Machine) { m.PIDNS = true }, []string{"ptrace kubectl exec", "ptrace outside of this PID namespace", "modern-bpf outside of this PID namespace"}},
		"other users":   {func(m *Machine) { m.Caps = 0 }, []string{"ptrace other users", "modern-bpf other users"}},
		"Yama":          {func(m *Machine) { m.Caps, m.Yama = 0, Setting{1, true} }, []string{"ptrace other users", "ptrace ptrace_scope", "modern-bpf other users"}},
		"no search":     {func(m *Machine) { m.Caps &^= 1 << unix.CAP_DAC_READ_SEARCH }, []string{"modern-bpf had open"}},
	} {
		m := able()
		c.take(&m)
		list := BlindSpots(&m)
		if len(list) != len(c.want) {
			t.Errorf("%s: %+v", name, list)
			continue
		}
		for i, want := range c.want {
			driver, text, _ := strings.Cut(want, " ")
			if list[i].Driver != driver || !strings.Contains(list[i].What, text) {
				t.Errorf("%s: %+v, want %q", name, list[i], want)
			}
		}
	}
}
