package bpf

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// What a driver is told, and what it counts.
type (
	Scope    = driver.Scope
	Config   = driver.Config
	Stats    = driver.Stats
	Counters = driver.Counters
)

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

	life   driver.Life
	merger driver.Merger
	epoll  int
	polled [8]unix.EpollEvent
	wake   int // eventfd: Stop was called
	idle   time.Duration
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
	d.life.Reading.Lock()
	defer d.life.Reading.Unlock()
	for {
		if d.life.Ended {
			return io.EOF
		}
		if record, _ := d.merger.Next(); record != nil {
			d.idle = minIdle
			return parse(record, ev)
		}
		over := d.over()
		if err := d.wait(over); err != nil {
			return err
		}
		if over && !d.merger.Look() {
			d.life.Ended = true
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
	return d.life.Stopped() || d.cfg.Scope.IsTree() && atomic.LoadInt64(&d.tree().Size) <= 0
}

// wait sleeps until there may be something to read: longer each time that there was
// nothing. When all is over it gives programs that run the time to end.
func (d *Driver) wait(over bool) error {
	if d.idle == maxIdle && d.scopeKind() == scopeTree && d.missed(exitHook) > 0 {
		if err := d.sweep(); err != nil {
			return fmt.Errorf("bpf: %w", err)
		}
	}
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
	if !d.life.Stop() {
		return
	}
	d.detach()
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if !d.life.Closed {
		unix.Write(d.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // can't fail: the counter is 0
	}
}

// Close ends tracing and gives everything back. It waits for a ReadInto under way.
func (d *Driver) Close() error {
	d.life.Close(d, d.release)
	return nil
}
