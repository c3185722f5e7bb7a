package driver

import (
	"strconv"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Stats are a driver's counters since it was started, by the names of Falco's
// drivers. They only grow.
type Stats struct {
	Total Counters
	CPUs  []Counters // by CPU number
}

// Counters are those of one CPU, or of all.
type Counters struct {
	Events       uint64                  // that passed all filters, lost ones included: n_evts
	NoRoom       uint64                  // lost because the ring buffer was full: n_drops_buffer_total
	TooLong      uint64                  // lost because they were longer than 64 KiB: n_drops_scratch_map
	Unreadable   uint64                  // lost because memory could not be read: n_drops_page_faults
	Preempted    uint64                  // lost because their CPU was making another one: n_preemptions
	ByCategory   [len(Categories)]uint64 // NoRoom by kind: n_drops_buffer_*, see Categories
	LostChildren uint64                  // processes that found no room in the tree: their events are missing; in Total only
}

// Categories are the names of the kinds of lost events that are counted apart.
var Categories = spec.Losses

// Drops returns how many events were lost: n_drops.
func (c Counters) Drops() uint64 { return c.NoRoom + c.TooLong + c.Unreadable }

// Add adds those of another CPU.
func (c *Counters) Add(o *Counters) {
	c.Events += o.Events
	c.NoRoom += o.NoRoom
	c.TooLong += o.TooLong
	c.Unreadable += o.Unreadable
	c.Preempted += o.Preempted
	for i := range c.ByCategory {
		c.ByCategory[i] += o.ByCategory[i]
	}
}

// A Metric is a counter with its name.
type Metric struct {
	Name  string
	Value uint64
}

// Metrics lists all counters by the names that Falco's metrics have. Lost enter
// events are of edition 0.36, but for two kinds.
func (s *Stats) Metrics() []Metric {
	t := &s.Total
	list := []Metric{{"n_evts", t.Events}, {"n_drops_buffer_total", t.NoRoom}}
	for i, name := range Categories {
		list = append(list, Metric{"n_drops_buffer_" + name, t.ByCategory[i]})
	}
	list = append(list, Metric{"n_drops_scratch_map", t.TooLong}, Metric{"n_drops_page_faults", t.Unreadable},
		Metric{"n_drops", t.Drops()}, Metric{"n_preemptions", t.Preempted}, Metric{"n_lost_children", t.LostChildren})
	for i := range s.CPUs {
		c := &s.CPUs[i]
		list = append(list, Metric{"n_evts_cpu_" + strconv.Itoa(i), c.Events}, Metric{"n_drops_cpu_" + strconv.Itoa(i), c.Drops()})
	}
	return list
}
