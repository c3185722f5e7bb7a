package bpf

import (
	"sync/atomic"
	"unsafe"
)

// Stats reads the counters.
func (d *Driver) Stats() Stats {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return d.last
	}
	s := Stats{CPUs: make([]Counters, d.numCPU)}
	for i := range s.CPUs {
		from, c := &d.scratch(i).Counters, &s.CPUs[i]
		c.Events = atomic.LoadUint64(&from.N_evts)
		c.NoRoom = atomic.LoadUint64(&from.N_dropsBuffer)
		c.TooLong = atomic.LoadUint64(&from.N_dropsMaxEventSize)
		for j := range c.ByCategory {
			c.ByCategory[j] = atomic.LoadUint64(&from.ByCategory[j])
		}
		s.Total.Add(c)
	}
	s.Total.LostChildren = atomic.LoadUint64(&d.tree().Lost)
	return s
}

// scratch returns a CPU's scratch entry; entries are padded to 8 bytes.
func (d *Driver) scratch(cpu int) *modernScratch {
	const size = (unsafe.Sizeof(modernScratch{}) + 7) &^ 7
	return (*modernScratch)(unsafe.Pointer(&d.scratches[uintptr(cpu)*size]))
}

// tree returns the state of the tree scope.
func (d *Driver) tree() *modernTreeState {
	return (*modernTreeState)(unsafe.Pointer(&d.treeState[0]))
}
