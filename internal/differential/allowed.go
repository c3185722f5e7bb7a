package differential

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Names of drivers, as users write them.
const (
	Ptrace     = "ptrace"
	ModernBPF  = "modern-bpf"
	ClassicBPF = "bpf"
	Module     = "kmod"
)

// lacks lists events that a driver does not see.
var lacks = []struct {
	driver string
	typ    event.Type
	when   func(*event.Event) bool // nil: always
	why    string
}{
	{Ptrace, event.SwitchE, nil, "a tracer is not told of context switches"},
	{Ptrace, event.PageFaultE, nil, "a tracer is not told of page faults"},
	{Ptrace, event.SignalDeliverE, isSignal(9), "no tracer is asked about SIGKILL (ptrace(2))"},
}

// seldom lists events that a driver does not see at times; next is the one that the
// other driver has behind it, nil if there is none.
var seldom = []struct {
	driver string
	when   func(lacks *Log, ev, next *event.Event) bool
	why    string
}{
	{Ptrace, isIgnored, "under ptrace signals are delivered to who ignores them (kernel/signal.c:sig_ignored), and the probe sees that; the tracer leaves them out, as nobody is told of them without it"},
	{Ptrace, isLast, "a call that SIGKILL ends does not stop for the tracer (kernel/signal.c:ptrace_stop)"},
	{ModernBPF, isLastEntry, "a thread that is killed at the tracer's stop in front of a call does not come to the call"},
	{ClassicBPF, isLastEntry, "as the modern probe"},
	{Module, isLastEntry, "as the probes"},
}

func isSignal(numbers ...int64) func(*event.Event) bool {
	return func(ev *event.Event) bool {
		v, _ := ev.Int(2)
		return slices.Contains(numbers, v)
	}
}

// isIgnored: of signals that are ignored if the program does not say otherwise
// (SIGCHLD, SIGCONT, SIGURG, SIGWINCH), or that it is known to ignore.
func isIgnored(lacks *Log, ev, _ *event.Event) bool {
	return ev.Type() == event.SignalDeliverE && (isSignal(17, 18, 23, 28)(ev) || isSignal(lacks.Ignored...)(ev))
}

// isLast: the end of a call that a thread was in when another ended the process.
func isLast(_ *Log, ev, next *event.Event) bool {
	return !ev.Type().Enter() && next != nil && next.Type() == event.ProcExitE
}

// isLastEntry: the same of a call that was about to begin.
func isLastEntry(_ *Log, ev, next *event.Event) bool {
	return ev.Type().Enter() && ev.Type() != event.SignalDeliverE && next != nil && next.Type() == event.ProcExitE
}

// mustLack returns why a driver never has an event, "" if it may have it.
func mustLack(driver string, ev *event.Event) string {
	for _, l := range lacks {
		if l.driver == driver && l.typ == ev.Type() && (l.when == nil || l.when(ev)) {
			return l.why
		}
	}
	return ""
}

// mayLack returns why a log may lack an event, "" if it may not.
func mayLack(lacks *Log, ev, next *event.Event) string {
	for _, l := range seldom {
		if l.driver == lacks.Driver && l.when(lacks, ev, next) {
			return l.why
		}
	}
	return ""
}

// leaves lists parameters of which a driver leaves less than others, by the event's name.
var leaves = []struct {
	driver string
	event  string
	param  string
	same   func(less, more []byte) bool
	why    string
}{
	{ClassicBPF, "readv", "size", fewerVectors, fewVectors},
	{ClassicBPF, "readv", "data", beginning, fewVectors},
	{ClassicBPF, "writev", "size", fewerVectors, fewVectors},
	{ClassicBPF, "writev", "data", beginning, fewVectors},
}

const fewVectors = "the classic probe looks at 16 vectors (docs/drivers.md)"

// fewerVectors accepts the size of the first 16 vectors, of a byte each at least.
func fewerVectors(less, more []byte) bool {
	x, ok1 := integer(less)
	y, ok2 := integer(more)
	return ok1 && ok2 && 16 <= x && x < y
}

func beginning(less, more []byte) bool { return len(less) >= 16 && bytes.HasPrefix(more, less) }

const killed = "SIGKILL, and another thread's exit_group, wake a thread that is stopped for the tracer (linux/sched/signal.h:signal_wake_up), and its memory may be gone before the tracer has read it: docs/ptrace-limits.md"

// gone reports whether a value is what a tracer sends of a thread that was killed while it
// was stopped at the end of its last call. What was in registers came with the stop.
func gone(driver string, p *spec.Param, value []byte) bool {
	known := []spec.Op{spec.Result, spec.Arg, spec.ArgS32}
	return driver == Ptrace && !slices.Contains(known, p.From.Op) && len(bytes.Trim(value, "\x00")) == 0
}

// differs lists parameters whose values may differ, by name: in any event that
// has them, or in those of one row. same, if not nil, says whether two values are
// the same thing in spite of that.
var differs = []struct {
	event string // by its name; "" for all
	param string
	same  func(a, b []byte) bool
	why   string
}{
	{"", "vm_size", near(1 << 18), "read a moment earlier or later, and another thread may have mapped an arena of malloc(3) meanwhile"},
	{"", "fdlimit", nil, "read a moment earlier or later, and another thread may have set it meanwhile, as the Go runtime does"},
	{"", "vm_rss", near(8192), "read a moment earlier or later; from 6.2 on the probe reads what CPUs have handed in (lib/percpu_counter.c)"},
	{"", "vm_swap", near(4096), "read a moment earlier or later"},
	{"", "pgft_min", near(256), "read a moment earlier or later; reading memory makes pages present"},
	{"", "pgft_maj", near(64), "read a moment earlier or later"},
	{"", "flags", created, "before 6.12 a tracer can't ask whether a call made the file (F_CREATED_QUERY)"},
	{"clone", "flags", newTaskOnArm, "on arm64 a new task does not come by sys_exit, so that the kernel's drivers know only flags that show in it"},
	{"clone", "exe", untouchedOnArm, untouched},
	{"clone", "args", untouchedOnArm, untouched},
	{"clone3", "flags", before(5, 15), "the probe reads them in the new task, when its maker may have used the memory again: it finds the maker's registers from 5.15 on (bpf_task_pt_regs)"},
	{"signaldeliver", "sig", kill, "the kernel makes a deadly signal SIGKILL of nobody (kernel/signal.c:complete_signal), a tracer is told of the real one first"},
	{"signaldeliver", "spid", nil, "as sig"},
	{"procexit", "reaper_tid", oneIsZero, "0 in ptrace where the only children are dead: a tracer does not learn when a parent waits"},
	{"", "pidns_init_start_ts", near(10_000_000), "stat has clock ticks of 10 ms"},
}

const untouched = "on arm64 before ARMv8.1 a page that a process has not touched since its fork is for the kernel to mark as used first (mm/memory.c:copy_present_pte makes it old), which takes a fault, and its drivers read without: docs/drivers.md"

// untouchedOnArm accepts that one could not be read.
func untouchedOnArm(a, b []byte) bool {
	return runtime.GOARCH == "arm64" && (len(a) == 0) != (len(b) == 0)
}

func oneIsZero(a, b []byte) bool {
	x, ok1 := integer(a)
	y, ok2 := integer(b)
	return ok1 && ok2 && (x == 0 || y == 0)
}

// before accepts anything on kernels older than a version.
func before(major, minor int) func(a, b []byte) bool {
	var uts unix.Utsname
	var here [2]int
	if unix.Uname(&uts) == nil {
		fmt.Sscanf(unix.ByteSliceToString(uts.Release[:]), "%d.%d", &here[0], &here[1])
	}
	return func(_, _ []byte) bool { return slices.Compare(here[:], []int{major, minor}) < 0 }
}

// near accepts integers that are at most some steps apart.
func near(steps uint64) func(a, b []byte) bool {
	return func(a, b []byte) bool {
		x, ok1 := integer(a)
		y, ok2 := integer(b)
		return ok1 && ok2 && max(x, y)-min(x, y) <= steps
	}
}

// newTaskOnArm accepts that fewer flags are known, on arm64.
func newTaskOnArm(a, b []byte) bool {
	x, ok1 := integer(a)
	y, ok2 := integer(b)
	return ok1 && ok2 && runtime.GOARCH == "arm64" && y&^x == 0
}

// created accepts that the probe alone knows of a file that a call made it, on kernels
// where the tracer can't.
func created(a, b []byte) bool {
	x, ok1 := integer(a)
	y, ok2 := integer(b)
	return ok1 && ok2 && y == x|uint64(spec.FindTable("file_flags").Find("O_F_CREATED").Value) && before(6, 12)(a, b)
}

// kill accepts SIGKILL for any signal.
func kill(_, b []byte) bool { return bytes.Equal(b, []byte{9}) }

func integer(b []byte) (uint64, bool) {
	switch len(b) {
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// mayDiffer returns why parameter i may differ, "" if it may not; last says that the thread
// has ended behind the event.
func (c *comparison) mayDiffer(a, b *event.Event, row *spec.Event, i int, last bool) string {
	p := &row.Params[i]
	x, y := a.Param(i), b.Param(i)
	for _, l := range leaves {
		if l.event != row.Name || l.param != p.Name {
			continue
		}
		if l.driver == c.a.Driver && l.same(x, y) || l.driver == c.b.Driver && l.same(y, x) {
			return l.why
		}
	}
	for _, d := range differs {
		if (d.event == "" || d.event == row.Name) && d.param == p.Name && (d.same == nil || d.same(x, y)) {
			return d.why
		}
	}
	if last && (gone(c.a.Driver, p, x) || gone(c.b.Driver, p, y)) {
		return killed
	}
	return c.ids.why(p, x, y)
}
