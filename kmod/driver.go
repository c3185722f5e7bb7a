package kmod

import (
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// What a driver is told, and what it counts.
type (
	Scope  = driver.Scope
	Config = driver.Config
	Stats  = driver.Stats
)

// A Driver reads a module.
type Driver struct {
	cfg    Config
	layout *layout
	choice *choice

	control *control
	size    int // bytes of each buffer

	life   driver.Life
	merger driver.Merger
	idle   time.Duration
	rings  []*ring // all that are open; guarded by life.Using
}

// How long the reader sleeps when there is nothing to read: the module does not wake it.
const (
	minIdle = time.Millisecond
	maxIdle = 32 * time.Millisecond
)

// ReadInto stores the next event; see driver.Driver.
func (d *Driver) ReadInto(ev *event.Event) error {
	d.life.Reading.Lock()
	defer d.life.Reading.Unlock()
	for !d.life.Ended {
		if bytes, from := d.merger.Next(); bytes != nil {
			d.idle = minIdle
			keep, err := d.parse(bytes, from.(*ring), ev)
			if keep || err != nil {
				return err
			}
			continue
		}
		for _, r := range d.rings {
			if r.err != nil {
				return fmt.Errorf("kmod: %w", r.err)
			}
		}
		over := d.over()
		d.wait(over)
		if over && !d.merger.Look() {
			d.life.Ended = true
		}
	}
	return io.EOF
}

// parse takes an event apart; keep: it is for the reader.
func (d *Driver) parse(bytes []byte, r *ring, ev *event.Event) (keep bool, err error) {
	if _, err := ev.Parse(bytes); err != nil {
		return false, fmt.Errorf("kmod: the module's event: %w", err)
	}
	if ev.Type() == event.CPUHotplugE {
		d.follow(ev)
	}
	ev.CPU = uint16(r.cpu)
	ev.Flags = 0
	switch d.choice.of(ev) {
	case leaveOut:
		return false, nil
	case stateOnly:
		ev.Flags = event.StateOnly
	}
	return true, nil
}

// over reports whether no event will be sent any more, but for those of probes that are
// running right now.
func (d *Driver) over() bool {
	if d.life.Stopped() {
		return true
	}
	if !d.cfg.Scope.IsTree() {
		return false
	}
	size, _, err := d.tree()
	return err != nil || size <= 0
}

// wait sleeps until there may be something to read: longer each time that there was
// nothing. When all is over it gives probes that run the time to end.
func (d *Driver) wait(over bool) {
	if over {
		time.Sleep(2 * minIdle)
		return
	}
	time.Sleep(d.idle)
	d.idle = min(2*d.idle, maxIdle)
}

// Stop ends tracing; ReadInto returns what is left, then io.EOF. It may be called from
// any goroutine, and more than once.
func (d *Driver) Stop() {
	if !d.life.Stop() {
		return
	}
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if !d.life.Closed && len(d.rings) > 0 {
		_ = d.control.do(d.disable) // what goes wrong ends with Close
	}
}

// Close ends tracing and gives everything back. It waits for a ReadInto under way.
func (d *Driver) Close() error {
	d.life.Close(d, d.release)
	return nil
}

// Add puts a process into the tree; see driver.Driver.
func (d *Driver) Add(pid int, armed bool) error {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return fmt.Errorf("kmod: %w", os.ErrClosed)
	}
	if err := d.control.do(func() error { return d.add(pid, armed) }); err != nil {
		return fmt.Errorf("kmod: %w", err)
	}
	return nil
}

// add is Add on the control's thread.
func (d *Driver) add(pid int, armed bool) error {
	if err := d.cfg.Scope.MayAdd(pid); err != nil {
		return err
	}
	request := uintptr(treeAdd)
	if armed {
		request = treeAddArmed
	}
	if err := d.ask(request, uintptr(pid)); err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	return nil
}

// Stats reads the counters.
func (d *Driver) Stats() Stats {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return d.life.Last
	}
	var s Stats
	for _, r := range d.rings {
		for len(s.CPUs) <= r.cpu {
			s.CPUs = append(s.CPUs, driver.Counters{})
		}
		s.CPUs[r.cpu] = r.counters(d.layout)
		s.Total.Add(&s.CPUs[r.cpu])
	}
	_, s.Total.LostChildren, _ = d.treeState()
	return s
}

// tree returns how many processes the tree has, and how many were lost.
func (d *Driver) tree() (size int64, lost uint64, err error) {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return 0, 0, os.ErrClosed
	}
	return d.treeState()
}

func (d *Driver) treeState() (size int64, lost uint64, err error) {
	if !d.cfg.Scope.IsTree() {
		return 0, 0, nil
	}
	var state struct {
		size int64
		lost uint64
	}
	err = d.control.do(func() error { return d.askInto(getTree, unsafe.Pointer(&state)) })
	return state.size, state.lost, err
}

var _ driver.Driver = (*Driver)(nil)

var errForeign = fmt.Errorf("the module %s that is loaded is not Lanner's and can't watch single processes or cgroups: %w", Name, unix.ENOTTY)
