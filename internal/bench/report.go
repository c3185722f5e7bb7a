package main

import (
	"fmt"
	"slices"
)

// A report is all that is measured.
type report struct {
	Facts       []fact            `json:"machine"`
	Smoke       bool              `json:"smoke"`
	Repetitions int               `json:"repetitions"`
	Columns     []column          `json:"variants"`
	Workloads   []workloadFigures `json:"workloads"`
	Memory      memoryFigures     `json:"memory"`
	Attach      attachFigures     `json:"attach"`
	Probe       probeFigures      `json:"probe"`
	Live        liveFigures       `json:"live"`
	Notes       []string          `json:"notes"`
	Faults      []string          `json:"faults"`
}

// A column is a way to run a command.
type column struct {
	Name    string `json:"name"`
	Command string `json:"command"`
}

// workloadFigures are those of one piece of work, a cell a variant.
type workloadFigures struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Cells []cell `json:"runs"`
}

// A cell is one piece of work run one way.
type cell struct {
	Variant  string    `json:"variant"`
	Seconds  []float64 `json:"seconds"`             // of each repetition
	Median   float64   `json:"median"`              // s, 0 if not measured
	Native   float64   `json:"to_native,omitempty"` // ratio of medians
	Peer     float64   `json:"to_strace,omitempty"` // the same, to the strace that does the like
	Counters *counters `json:"counters,omitempty"`  // of the last repetition
	Lost     uint64    `json:"lost"`                // of all repetitions
	Goal     *goal     `json:"goal,omitempty"`

	bad bool // a repetition failed
}

// A goal is a figure that is wanted.
type goal struct {
	Of   string  `json:"of"`      // the figure
	Most float64 `json:"at_most"` // what it may be
	Met  bool    `json:"met"`
}

// Goals.
const (
	mostOfStrace = 0.8  // time of trace -a in that of strace -f
	mostOfNative = 1.1  // time of the default set in native time, for dd
	mostMemory   = 40e6 // bytes
)

// conclude computes what follows from the repetitions.
func (w *workloadFigures) conclude(vs []variant) {
	at := map[string]float64{}
	for i := range w.Cells {
		c := &w.Cells[i]
		c.Variant = vs[i].name
		if c.bad {
			c.Seconds = nil
		}
		c.Median = median(c.Seconds)
		at[c.Variant] = c.Median
		if c.Variant != native {
			c.Native = ratio(c.Median, at[native])
		}
		c.Peer = ratio(c.Median, at[vs[i].peer])
		switch {
		case !vs[i].trace:
		case vs[i].complete:
			c.Goal = judge("to_strace", c.Peer, mostOfStrace)
		case w.Name == "dd":
			c.Goal = judge("to_native", c.Native, mostOfNative)
		}
	}
}

// judge holds a figure against a goal; 0 is no figure.
func judge(of string, figure, most float64) *goal {
	if figure == 0 {
		return nil
	}
	return &goal{of, most, figure <= most}
}

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Errorf(format, args...).Error())
}

// lost counts the lost events of all runs.
func (r *report) lost() (n uint64) {
	for _, w := range slices.Concat(r.Workloads, r.Probe.Workloads) {
		for _, c := range w.Cells {
			n += c.Lost
		}
	}
	for _, m := range r.Memory.Rows {
		n += m.Lost
	}
	for _, a := range r.Attach.Rows {
		n += a.Lost
	}
	for _, l := range r.Live.Rows {
		n += l.Lost
	}
	return n
}

// failed reports whether the figures show a failure, which a missed goal is not.
func (r *report) failed() bool { return len(r.Faults) > 0 || r.lost() > 0 }
