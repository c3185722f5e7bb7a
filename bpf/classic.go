package bpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// A Classic is the classic probe, loaded and attached. It is used like a Driver.
type Classic struct {
	cfg  Config
	sel  *selection
	obj  *classicObject
	maps map[string]*ebpf.Map

	numCPU int          // possible CPUs
	joined atomic.Int64 // processes that were put into the tree from here

	linkMu sync.Mutex
	links  []link.Link

	life   driver.Life
	merger driver.Merger
	sleeper
}

// OpenClassic loads the classic probe of a file and starts tracing. The text of an error
// is one line, as with Open.
func OpenClassic(cfg Config, file string) (*Classic, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("bpf: %w", err)
	}
	d := &Classic{cfg: cfg, sleeper: newSleeper(), maps: make(map[string]*ebpf.Map)}
	if err := d.open(file); err != nil {
		d.detach()
		d.release()
		return nil, fmt.Errorf("bpf: %w", oneLine(err))
	}
	return d, nil
}

// ReadInto stores the next event, as that of Driver does.
func (d *Classic) ReadInto(ev *event.Event) error {
	d.life.Reading.Lock()
	defer d.life.Reading.Unlock()
	for {
		if d.life.Ended {
			return io.EOF
		}
		if record, from := d.merger.Next(); record != nil {
			d.awake()
			return d.parse(record, from, ev)
		}
		over := d.over()
		if err := d.sleep(over); err != nil {
			return fmt.Errorf("bpf: wait for events: %w", err)
		}
		if over && !d.merger.Look() {
			d.life.Ended = true
		}
	}
}

// parse takes what the probe sent apart: the event, then a byte of flags.
func (d *Classic) parse(record []byte, from driver.Buffer, ev *event.Event) error {
	n, err := ev.Parse(record)
	if err != nil || n >= len(record) {
		return fmt.Errorf("bpf: own event: %w", cmpErr(err))
	}
	ev.CPU = uint16(from.(*perfRing).cpu)
	ev.Flags = event.Flags(record[n])
	return nil
}

func cmpErr(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// over reports whether no event will be sent any more, but for those of programs that
// are running right now.
func (d *Classic) over() bool {
	return d.life.Stopped() || d.cfg.Scope.IsTree() && d.treeSize() <= 0
}

// treeSize returns how many processes are watched: those put in here, and what the probe
// has seen come and go.
func (d *Classic) treeSize() int64 {
	grown, _ := d.treeState()
	return d.joined.Load() + grown
}

// treeState reads what became of the tree (classic/scope.h: struct tree_state).
func (d *Classic) treeState() (grown int64, lost uint64) {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	var state [16]byte
	if d.life.Closed || d.maps["tree_states"].Lookup(uint32(0), &state) != nil {
		return 0, 0
	}
	return int64(binary.NativeEndian.Uint64(state[:])), binary.NativeEndian.Uint64(state[8:])
}

// Add puts a process into the tree, as that of Driver does.
func (d *Classic) Add(pid int, armed bool) error {
	if err := d.add(pid, armed); err != nil {
		return fmt.Errorf("bpf: %w", err)
	}
	return nil
}

func (d *Classic) add(pid int, armed bool) error {
	if err := d.cfg.Scope.MayAdd(pid); err != nil {
		return err
	}
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return os.ErrClosed
	}
	gone, err := watchEnd(pid)
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	defer gone.close()
	bits := member
	if armed {
		bits |= muted
	}
	tree := d.maps["tree"]
	d.joined.Add(1)
	if err := tree.Update(uint32(pid), bits, ebpf.UpdateNoExist); err != nil {
		d.joined.Add(-1)
		if errors.Is(err, ebpf.ErrKeyExist) {
			return nil // its parent is watched as well
		}
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	// If it ended before it was in the tree, nobody takes it out.
	if gone.ended() {
		if tree.Delete(uint32(pid)) == nil {
			d.joined.Add(-1)
		}
		return fmt.Errorf("watch process %d: %w", pid, unix.ESRCH)
	}
	return nil
}

// Stop ends tracing; ReadInto returns what is left, then io.EOF. It may be called
// from any goroutine, and more than once.
func (d *Classic) Stop() {
	if !d.life.Stop() {
		return
	}
	d.detach()
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if !d.life.Closed {
		d.interrupt()
	}
}

// Close ends tracing and gives everything back. It waits for a ReadInto under way.
func (d *Classic) Close() error {
	d.life.Close(d, d.release)
	return nil
}

// Stats reads the counters.
func (d *Classic) Stats() Stats {
	_, lost := d.treeState()
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return d.life.Last
	}
	s := Stats{CPUs: make([]Counters, d.numCPU)}
	for i := range s.CPUs {
		var state classicState
		if d.maps["local_state_map"].Lookup(uint32(i), &state) != nil {
			continue
		}
		c := &s.CPUs[i]
		c.Events, c.NoRoom, c.TooLong = state.Events, state.NoRoom, state.TooLong+state.Unfinished
		copy(c.ByCategory[:], state.ByCategory[:])
		s.Total.Add(c)
	}
	s.Total.LostChildren = lost
	return s
}

// idleFor is how long the reader sleeps when there is nothing to read: longer each time.
// The probe wakes it only if much is sent meanwhile.
type sleeper struct {
	epoll  int
	polled [8]unix.EpollEvent
	wake   int // eventfd: Stop was called
	idle   time.Duration
}

func newSleeper() sleeper { return sleeper{epoll: -1, wake: -1, idle: minIdle} }

// open prepares what sleep waits for.
func (s *sleeper) open() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	return s.poll(s.wake, unix.EPOLLIN)
}

func (s *sleeper) poll(fd int, events uint32) error {
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (s *sleeper) awake() { s.idle = minIdle }

// sleep waits until there may be something to read. When all is over it gives programs
// that run the time to end.
func (s *sleeper) sleep(over bool) error {
	timeout := s.idle
	s.idle = min(2*s.idle, maxIdle)
	if over {
		timeout = 2 * minIdle
	}
	n, err := unix.EpollWait(s.epoll, s.polled[:], int(timeout/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return err
	}
	if over && n > 0 {
		time.Sleep(timeout)
	}
	return nil
}

// interrupt ends a sleep.
func (s *sleeper) interrupt() {
	unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // can't fail: the counter is 0
}

func (s *sleeper) release() {
	for _, fd := range []int{s.epoll, s.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
