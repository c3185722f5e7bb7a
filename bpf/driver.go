package bpf

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Scope says which processes are watched: all, those in a cgroup, or trees. Events
// of the process that watches are never sent.
type Scope struct {
	Host   bool   // all
	Cgroup string // directory of a cgroup (version 2): its processes, and those of the cgroups below
	PIDs   []int  // these processes, and from now on those that they make
	Armed  []int  // the same, but no events before their next execve
}

// Config says what to trace. The zero value is not useful.
type Config struct {
	Profile        spec.Profile // one of spec.V036 and spec.Current
	Events         event.Set    // what is reported
	Snaplen        int          // bytes of I/O data kept, at most event.MaxParamLen
	DynamicSnaplen bool         // keep more of protocols that are known
	DropFailed     bool         // leave out exit events of calls that failed
	SamplingRatio  int          // keep most events in 1/n of each second only; 0 and 1: all
	FullCapture    [2]uint16    // with DynamicSnaplen: first and last port whose data is kept to 16000 bytes; zeros: none
	StatsdPort     uint16       // with DynamicSnaplen: its data is kept to 2000 bytes; 0: 8125
	Scope          Scope
	BufferBytes    int               // of each ring buffer: a power of two, in pages; 0: 8 MiB
	CPUsPerBuffer  int               // how many CPUs share a buffer; 0: all
	Notice         func(line string) // told what a user should know; may be nil
}

const (
	defaultBuffer = 8 << 20 // bytes; preset 4 of Falco
	defaultStatsd = 8125
)

// check completes a configuration, or says what is wrong with it.
func (c *Config) check() error {
	switch {
	case c.Profile != spec.V036 && c.Profile != spec.Current:
		return errors.New("no profile chosen")
	case c.Snaplen < 0 || c.Snaplen > event.MaxParamLen:
		return fmt.Errorf("snaplen %d is not between 0 and %d", c.Snaplen, event.MaxParamLen)
	case c.SamplingRatio < 0 || c.SamplingRatio > 128 || bits.OnesCount(uint(c.SamplingRatio)) > 1:
		return fmt.Errorf("sampling ratio %d is not a power of two up to 128", c.SamplingRatio)
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = defaultBuffer
	}
	if c.BufferBytes < os.Getpagesize() || c.BufferBytes > 1<<30 || bits.OnesCount(uint(c.BufferBytes)) != 1 {
		return fmt.Errorf("buffer of %d bytes is not a power of two between a page and 1 GiB", c.BufferBytes)
	}
	if c.SamplingRatio == 0 {
		c.SamplingRatio = 1
	}
	if c.StatsdPort == 0 {
		c.StatsdPort = defaultStatsd
	}
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	return nil
}

// A Driver is a probe that is loaded and attached.
type Driver struct {
	cfg  Config
	sel  *selection
	coll *ebpf.Collection
	ids  initialIDs

	numCPU    int    // possible CPUs
	scratches []byte // mapped: an entry for each possible CPU
	treeState []byte // mapped

	linkMu sync.Mutex
	links  []link.Link

	read   sync.Mutex // held by ReadInto, and by who takes away what it reads from
	merger merger
	epoll  int
	polled [8]unix.EpollEvent
	wake   int // eventfd: Stop was called
	idle   time.Duration
	ended  bool // ReadInto has returned io.EOF

	stopping atomic.Bool

	mu     sync.RWMutex // guards what follows, and maps against Close
	closed bool
	last   Stats // when it was closed
}

// How long the reader sleeps when there is nothing to read. The probe wakes it only
// if much is sent meanwhile.
const (
	minIdle = time.Millisecond
	maxIdle = 32 * time.Millisecond
)

// ReadInto stores the next event; it waits for one. io.EOF means that there will be
// none: the last process of the tree has ended, or Stop or Close was called and
// everything was read. The event is valid until the next call, or Close.
func (d *Driver) ReadInto(ev *event.Event) error {
	d.read.Lock()
	defer d.read.Unlock()
	for {
		if d.ended {
			return io.EOF
		}
		if record := d.merger.next(); record != nil {
			d.idle = minIdle
			return parse(record, ev)
		}
		over := d.over()
		if err := d.wait(over); err != nil {
			return err
		}
		if over && !d.merger.look() {
			d.ended = true
		}
	}
}

// parse takes a record apart: its head (struct record_head), then the event.
func parse(record []byte, ev *event.Event) error {
	if _, err := ev.Parse(record[recordHead:]); err != nil {
		return fmt.Errorf("bpf: own event: %w", err)
	}
	ev.CPU = uint16(record[0]) | uint16(record[1])<<8
	ev.Flags = event.Flags(record[2])
	return nil
}

// over reports whether no event will be sent any more, but for those of programs
// that are running right now.
func (d *Driver) over() bool {
	if d.stopping.Load() {
		return true
	}
	s := &d.cfg.Scope
	return !s.Host && s.Cgroup == "" && atomic.LoadInt64(&d.tree().Size) <= 0
}

// wait sleeps until there may be something to read: longer each time that there was
// nothing. When all is over it gives programs that run the time to end.
func (d *Driver) wait(over bool) error {
	timeout := d.idle
	d.idle = min(2*d.idle, maxIdle)
	if over {
		timeout = 2 * minIdle
	}
	n, err := unix.EpollWait(d.epoll, d.polled[:], int(timeout/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("bpf: wait for events: %w", err)
	}
	if over && n > 0 {
		time.Sleep(timeout)
	}
	return nil
}

// Stop ends tracing; ReadInto returns what is left, then io.EOF. It may be called
// from any goroutine, and more than once.
func (d *Driver) Stop() {
	if d.stopping.Swap(true) {
		return
	}
	d.detach()
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.closed {
		unix.Write(d.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // can't fail: the counter is 0
	}
}

// Close ends tracing and gives everything back. It waits for a ReadInto under way.
func (d *Driver) Close() error {
	d.Stop()
	last := d.Stats()
	d.read.Lock()
	defer d.read.Unlock()
	d.ended = true
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed, d.last = true, last
	d.release()
	return nil
}
