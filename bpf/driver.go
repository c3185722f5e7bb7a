package bpf

import (
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"

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
	reader
	coll      *ebpf.Collection
	ids       initialIDs
	scratches []byte // mapped: an entry for each possible CPU
	treeState []byte // mapped
}

// ReadInto stores the next event; it waits for one. io.EOF means that there will be
// none: the last process of the tree has ended, or Stop or Close was called and
// everything was read. The event is valid until the next call, or Close.
func (d *Driver) ReadInto(ev *event.Event) error {
	d.life.Reading.Lock()
	defer d.life.Reading.Unlock()
	record, _, err := d.next(d)
	if err != nil {
		return err
	}
	// Its head (struct record_head), then the event.
	if _, err := ev.Parse(record[recordHead:]); err != nil {
		return fmt.Errorf("bpf: own event: %w", err)
	}
	ev.CPU = uint16(record[0]) | uint16(record[1])<<8
	ev.Flags = event.Flags(record[2])
	return nil
}

func (d *Driver) wait(over bool) error {
	if d.idle == maxIdle && d.cfg.Scope.IsTree() && d.missed(exitHook) > 0 {
		if err := d.sweep(); err != nil {
			return err
		}
	}
	return d.sleep(over)
}

func (d *Driver) treeSize() int64 { return atomic.LoadInt64(&d.tree().Size) }

// Close ends tracing and gives everything back. It waits for a ReadInto under way.
func (d *Driver) Close() error {
	d.life.Close(d, d.release)
	return nil
}
