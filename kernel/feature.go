package kernel

import (
	"errors"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// Support says whether the kernel has a feature.
type Support uint8

// The kinds of support.
const (
	Unknown Support = iota // it did not tell: we lack the rights to ask
	Missing
	Present
)

var supportNames = [...]string{"unknown", "no", "yes"}

func (s Support) String() string { return supportNames[s] }

// A Feature is something that kernels have since some version.
type Feature struct {
	Name  string
	Since Version // the first kernel that has it

	check func() error
	once  sync.Once
	here  Support
}

// The features that the modern probe needs, or that decide what it needs.
var (
	BTF         = &Feature{Name: "BTF", Since: version(5, 4), check: haveBTF}
	TracingBTF  = &Feature{Name: "tp_btf programs", Since: version(5, 5), check: haveTracingBTF}
	RingBuffer  = &Feature{Name: "BPF ring buffer", Since: version(5, 8), check: haveRingBuffer}
	MemcgCharge = &Feature{Name: "BPF memory charged to cgroups", Since: version(5, 11), check: haveMemcgCharge}
)

// Features lists them.
var Features = []*Feature{BTF, TracingBTF, RingBuffer, MemcgCharge}

// Here reports whether this kernel has the feature.
func (f *Feature) Here() Support {
	f.once.Do(func() { f.here = support(f.check()) })
	return f.here
}

// support reads the result of a check. A kernel that may not be asked says
// EPERM, whatever it has.
func support(err error) Support {
	switch {
	case err == nil:
		return Present
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return Unknown
	}
	return Missing
}

// haveBTF finds the types of the running kernel, as the loader will.
func haveBTF() error {
	_, err := btf.LoadKernelSpec()
	return err
}

func haveRingBuffer() error { return features.HaveMapType(ebpf.RingBuf) }

// haveTracingBTF loads the smallest program of the kind that the probe consists
// of. features.HaveProgramType(ebpf.Tracing) asks for more than that: programs at
// function entry, which arm64 has since 6.0 only.
func haveTracingBTF() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_exit", License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return err
	}
	return p.Close()
}

// errCharged says that BPF memory counts against RLIMIT_MEMLOCK.
var errCharged = errors.New("map creation fails under a RLIMIT_MEMLOCK of 0")

// haveMemcgCharge makes a map while no memory may be locked, which is what BPF
// memory counted as before Linux 5.11 (kernel/bpf/syscall.c:bpf_map_charge_init,
// since removed). The limit is that of the process, so this is for programs that
// do little else meanwhile.
func haveMemcgCharge() error {
	create := func() error {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			return err
		}
		return m.Close()
	}
	if err := create(); err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
		return err
	}
	denied := create()
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return err
	}
	if denied != nil {
		return errCharged
	}
	return nil
}
