package bpf

import (
	"sync/atomic"
	"unsafe"
)

// Stats reads the counters.
func (d *Driver) Stats() Stats {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.life.Closed {
		return d.life.Last
	}
	s := Stats{CPUs: make([]Counters, d.numCPU)}
	for i := range s.CPUs {
		from, c := &d.scratch(i).Counters, &s.CPUs[i]
		c.Events = atomic.LoadUint64(&from.N_evts)
		c.NoRoom = atomic.LoadUint64(&from.N_dropsBuffer)
		c.TooLong = atomic.LoadUint64(&from.N_dropsMaxEventSize)
		c.Preempted = atomic.LoadUint64(&from.N_preemptions)
		for j := range c.ByCategory {
			c.ByCategory[j] = atomic.LoadUint64(&from.ByCategory[j])
		}
		s.Total.Add(c)
	}
	for _, name := range d.hooks() {
		if name != forkHook {
			s.Total.Preempted += d.missed(name)
		}
	}
	s.Total.Events += s.Total.Preempted
	s.Total.LostChildren = atomic.LoadUint64(&d.tree().Lost) + d.missed(forkHook)
	return s
}

// missed returns how often one of the hooks was not run, as its CPU had been taken from it
// in the middle of it: the kernel runs no program twice at once on a CPU
// (kernel/trace/bpf_trace.c:__bpf_trace_run). Before Linux 7 tracepoints keep their CPU.
func (d *Driver) missed(hook string) uint64 {
	p := d.coll.Programs[hook]
	if p == nil {
		return 0
	}
	s, err := p.Stats()
	if err != nil {
		return 0
	}
	return s.RecursionMisses
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
