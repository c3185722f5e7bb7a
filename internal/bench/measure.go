package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// A bench is one run of this program.
type bench struct {
	*runner
	self     string // this program
	sizes    sizes
	reps     int
	variants []variant
	progress *progress
}

// all measures everything. What goes wrong is noted in the report, and the rest
// measured all the same.
func (b *bench) all(rep *report) {
	for i := range b.variants {
		v := &b.variants[i]
		rep.Columns = append(rep.Columns, column{v.name, v.shown()})
		if v.name == straceAll && v.missing() {
			rep.note("strace is not installed: its columns are empty")
		}
	}
	for _, w := range workloads(b.self, b.sizes) {
		if w.needs != "" && findProgram(w.needs) == "" {
			rep.note("%s is not installed: not measured", w.needs)
			continue
		}
		rep.Workloads = append(rep.Workloads, b.workload(w, rep))
	}
	b.memory(rep)
	b.attach(rep)
}

// workload runs one piece of work every way.
func (b *bench) workload(w workload, rep *report) workloadFigures {
	res := workloadFigures{Name: w.name, What: w.what, Cells: make([]cell, len(b.variants))}
	// Once without the clock: the next runs find the caches warm, all alike. It
	// says how the work ends.
	b.progress.show("%s: warming up", w.name)
	warm, err := b.once(w, &b.variants[0])
	if err == nil && warm.status != 0 && !(w.uneven && warm.status == 1) {
		err = failureOf(warm, nil)
	}
	if err != nil {
		rep.fault("%s: %w", w.name, err)
		return res
	}
	for i := range b.reps {
		for j := range b.variants {
			// Each repetition starts elsewhere, so that no way always follows the same.
			k := (i + j) % len(b.variants)
			v, c := &b.variants[k], &res.Cells[k]
			if v.missing() || c.bad || b.ctx.Err() != nil {
				continue
			}
			b.progress.show("%s: %s (%d of %d)", w.name, v.name, i+1, b.reps)
			out, err := b.once(w, v)
			if err == nil && out.status != warm.status {
				err = fmt.Errorf("ended otherwise than without a tracer: %w", failureOf(out, nil))
			}
			if err == nil {
				err = c.add(out, v, w.least)
			}
			if err != nil {
				c.bad = true
				rep.fault("%s, %s: %w", w.name, v.name, err)
			}
		}
	}
	res.conclude(b.variants)
	return res
}

// once runs work one way, in a directory of its own.
func (b *bench) once(w workload, v *variant) (out outcome, err error) {
	dir, err := os.MkdirTemp(b.dir, w.name+"-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	argv, err := w.argv(dir)
	if err != nil {
		return out, err
	}
	line := v.command(argv, filepath.Join(dir, "capture.scap"))
	if w.server {
		return b.load(line, dir)
	}
	return b.run(line)
}

// add takes one run into a cell.
func (c *cell) add(out outcome, v *variant, least uint64) error {
	c.Seconds = append(c.Seconds, out.wall.Seconds())
	if !v.trace {
		return nil
	}
	n, err := parseCounters(out.stderr)
	if err != nil {
		return err
	}
	if !v.complete {
		least = 1 // even the smallest program is executed and exits
	}
	c.Counters = &n
	c.Lost += n.lost(least)
	return nil
}
