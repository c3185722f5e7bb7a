package bpf

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"github.com/lannerhq/lanner/kernel/event"
)

// A Classic is the classic probe, loaded and attached. It is used like a Driver.
type Classic struct {
	reader
	obj    *classicObject
	maps   map[string]*ebpf.Map
	joined int64 // atomic: processes that were put into the tree from here
}

// OpenClassic loads the classic probe of a file and starts tracing. The text of an error
// is one line, as with Open.
func OpenClassic(cfg Config, file string) (*Classic, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("bpf: %w", err)
	}
	d := &Classic{reader: reader{cfg: cfg, sleeper: newSleeper()}, maps: make(map[string]*ebpf.Map)}
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
	record, from, err := d.next(d)
	if err != nil {
		return err
	}
	// The event, then a byte of flags.
	n, err := ev.Parse(record)
	if err == nil && n >= len(record) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("bpf: own event: %w", err)
	}
	ev.CPU = uint16(from.(*perfRing).cpu)
	ev.Flags = event.Flags(record[n])
	return nil
}

func (d *Classic) wait(over bool) error { return d.sleep(over) }

// treeSize returns how many processes are watched: those put in here, and what the probe
// has seen come and go.
func (d *Classic) treeSize() int64 {
	grown, _ := d.treeState()
	return atomic.LoadInt64(&d.joined) + grown
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
	return d.watch(pid, func(p endWatch) error { return join(d.maps["tree"], &d.joined, p, uint32(pid), armed) })
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
