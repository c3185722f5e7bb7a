package ptrace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Seccomp says when a tree runs under a filter that stops only what is wanted.
type Seccomp uint8

// The choices.
const (
	SeccompAuto   Seccomp = iota // for commands, where it saves stops
	SeccompAlways                // for attached processes as well
	SeccompNever
)

// Config says what to trace. The zero value is not useful.
type Config struct {
	Profile    spec.Profile // one of spec.V036 and spec.Current
	Events     event.Set    // what is reported
	Snaplen    int          // bytes of I/O data kept, at most event.MaxParamLen
	DropFailed bool         // leave out exit events of calls that failed
	Seccomp    Seccomp
	Notice     func(line string) // told what a user should know; may be nil
}

// Stats counts what happened. Nothing is ever dropped by this driver.
type Stats struct {
	Events uint64 // laid out
	Stops  uint64 // of tracees
	Bugs   uint64 // events given up because a filler disagreed with its row
}

// A Driver traces process trees. See the package documentation for which
// goroutine may call it.
type Driver struct {
	cfg    Config
	in     spec.Profile
	tables tables
	plans  []plan
	calls  [numCalls]callInfo

	threads    map[int]*thread
	procs      map[int]*process
	parked     map[int]unix.WaitStatus // first stops of tracees whose parent was not heard of yet
	pending    []stopped               // taken from wait, not yet handled
	undrained  int                     // reports since all that were there were taken
	root       int                     // pid of the command, 0 if attached
	rootStatus unix.WaitStatus         // of the root
	ended      bool                    // the root ended
	command    string                  // of Start
	execErrno  syscall.Errno           // why it was not to be
	self       int                     // our pid

	b     event.Builder
	flags []event.Flags // of each event in b
	next  int           // offset in b of the next event to hand out
	nth   int           // its index
	now   uint64        // time of the stop under way, ns since the epoch

	struck [65]atomic.Int64 // when a signal last came to the command, ns since the epoch

	bound   bool // a process took our filter: it can't be left
	spinner spinner
	stop    atomic.Bool // asked to let go of everything
	tid     int         // our OS thread
	noInfo  bool        // no PTRACE_GET_SYSCALL_INFO
	stats   Stats

	noPidfd     bool
	keepsFDs    bool // every call that changes descriptors is watched
	seesPlace   bool // every call that opens files is watched, see place
	inPIDNS     bool // we are not in the initial PID namespace
	hasSwap     bool
	pageKiB     uint64
	diag        int // socket for sock_diag, -1 until needed
	controllers *procfs.Controllers
	converters
	lookups

	// Scratch memory of the stop under way.
	c        call
	st       procfs.Stat
	stu      procfs.Status
	buf      [16 << 10]byte
	argBuf   [maxArgs]byte
	execArgs [maxArgs]byte
	execEnv  []byte
	path     [maxString + 1]byte
	scratch  [4096]byte
	addr     rawAddr
	iovBytes [iovLimit * 16]byte
	iov      []iovec
	name     []byte
}

// stopped is one report of wait.
type stopped struct {
	tid    int
	status unix.WaitStatus
}

// New makes a driver and locks the calling goroutine to its OS thread for good.
func New(cfg Config) (*Driver, error) {
	if cfg.Profile != spec.V036 && cfg.Profile != spec.Current {
		return nil, errors.New("ptrace: no profile chosen")
	}
	if cfg.Snaplen < 0 || cfg.Snaplen > event.MaxParamLen {
		return nil, fmt.Errorf("ptrace: snaplen %d is not between 0 and %d", cfg.Snaplen, event.MaxParamLen)
	}
	runtime.LockOSThread()
	d := &Driver{
		cfg: cfg, in: cfg.Profile, threads: make(map[int]*thread), procs: make(map[int]*process),
		parked: make(map[int]unix.WaitStatus), self: os.Getpid(), tid: unix.Gettid(), diag: -1,
		pageKiB: uint64(os.Getpagesize()) >> 10, controllers: procfs.NewControllers(), converters: newConverters(),
		execEnv: make([]byte, 0, maxArgs),
	}
	d.tables = tables{native: event.Native(machine, d.in), compat: event.I386(d.in), x32: event.X32(d.in)}
	d.plans = newPlans(d.in, machine)
	d.choose()
	d.look()
	d.spinner.spare = spareCPU()
	d.c.Driver = d
	return d, nil
}

// look finds out about the machine.
func (d *Driver) look() {
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		d.hasSwap = si.Totalswap > 0
	}
	var st unix.Stat_t
	const initPIDNS = 0xEFFFFFFC // PROC_PID_INIT_INO, include/linux/proc_ns.h
	if unix.Stat("/proc/self/ns/pid", &st) == nil {
		d.inPIDNS = st.Ino != initPIDNS
	}
}

// ReadInto stores the next event; it waits for one. io.EOF means that no tracee
// is left.
func (d *Driver) ReadInto(ev *event.Event) error {
	for d.next >= len(d.b.Bytes()) {
		d.b.Reset()
		d.flags, d.next, d.nth = d.flags[:0], 0, 0
		if d.over() {
			return io.EOF
		}
		if err := d.step(); err != nil {
			return err
		}
	}
	n, err := ev.Parse(d.b.Bytes()[d.next:])
	if err != nil {
		return fmt.Errorf("ptrace: own event: %w", err)
	}
	ev.CPU, ev.Flags = 0, d.flags[d.nth]
	d.next += n
	d.nth++
	return nil
}

// over reports whether tracing has come to its end. As PID 1 the namespace dies
// with us, so there the command's end is the end, as it would be without us.
func (d *Driver) over() bool {
	if d.ended && d.self == 1 {
		return true
	}
	return len(d.threads) == 0 && len(d.parked) == 0 && len(d.pending) == 0
}

// step handles one stop.
func (d *Driver) step() error {
	if d.stop.Load() {
		d.release()
		return nil
	}
	if len(d.pending) == 0 {
		if err := d.collect(); err != nil {
			return err
		}
	}
	if len(d.pending) == 0 {
		return nil
	}
	s := d.pending[0]
	d.pending = d.pending[:copy(d.pending, d.pending[1:])]
	d.now = uint64(time.Now().UnixNano())
	d.stats.Stops++
	d.handle(s.tid, s.status)
	return nil
}

const (
	maxPending = 64 // reports taken before they are handled
	drainEvery = 8  // reports, after which all that are there are taken
)

// collect waits for a report, and now and then takes what else is there: the
// kernel always reports the first stopped tracee of its list, so handling one at
// a time would let a busy thread starve the others.
func (d *Driver) collect() error {
	for len(d.pending) < maxPending {
		var tid int
		var status unix.WaitStatus
		var e syscall.Errno
		if len(d.pending) == 0 {
			tid, status, e = d.spinner.wait()
		} else {
			if tid, status, e = wait(false); tid != 0 {
				d.spinner.more++
			}
		}
		switch {
		case e == unix.EINTR:
			if d.stop.Load() {
				d.release()
				return nil
			}
			continue
		case e == unix.ECHILD:
			// Nothing left to wait for, whatever we believed.
			if len(d.pending) == 0 {
				d.forgetAll()
			}
			return nil
		case e != 0:
			return fmt.Errorf("ptrace: wait for tracees: %w", e)
		case tid == 0:
			d.undrained = 0
			return nil
		}
		d.pending = append(d.pending, stopped{tid, status})
		if d.undrained++; d.undrained < drainEvery && len(d.pending) == 1 || len(d.threads) == 1 {
			return nil // no one starves yet
		}
		d.undrained = drainEvery
	}
	return nil
}

// forgetAll drops tracees that vanished.
func (d *Driver) forgetAll() {
	for tid, t := range d.threads {
		delete(d.threads, tid)
		d.leaveProcess(t)
	}
	clear(d.parked)
}

// Status returns how the command ended; ok is false as long as it did not.
func (d *Driver) Status() (status unix.WaitStatus, ok bool) { return d.rootStatus, d.ended }

// Struck returns when a signal last came to the command, from whomever; the zero
// time if never. It may be called from any goroutine.
func (d *Driver) Struck(sig unix.Signal) time.Time {
	if sig < 1 || int(sig) >= len(d.struck) {
		return time.Time{}
	}
	ns := d.struck[sig].Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Root returns the process id of the command, 0 if there is none.
func (d *Driver) Root() int { return d.root }

// Stats returns the counters.
func (d *Driver) Stats() Stats { return d.stats }
