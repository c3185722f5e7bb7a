package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// probeFigures are what the modern probe costs. Here the work has one CPU and the
// reader another, and the clock runs once the probe is attached: what is measured
// is the kernel's part, which is all that a workload sees of it where the reader
// keeps up.
type probeFigures struct {
	Columns   []column          `json:"variants"`
	Workloads []workloadFigures `json:"workloads"`
}

// Names of the variants.
const (
	pinned   = "native, pinned"
	probeSet = "probe"
	probeAll = "probe -a"
)

// The shell starts as many programs here as the goals are for, and dd copies more: it
// would be over before it says much.
const (
	probeLaunches = 300
	probeDDTimes  = 10
)

// probeGoals say how many times the native time work may take under the probe.
var probeGoals = map[string]map[string]float64{
	probeAll: {"dd": 3.0, "find": 1.35, "launch": 1.25},
	probeSet: {"dd": 1.05, "http": 1.15},
}

// probeVariants returns the ways to run work beside the probe.
func probeVariants(trace string) []variant {
	options := []string{"--driver", "modern-bpf", "--buffer-preset", "4", "--stats", "--json", "-q", "-w", captureFile}
	return []variant{
		{name: pinned},
		{name: probeSet, program: trace, options: options, trace: true},
		{name: probeAll, program: trace, options: append([]string{"-a"}, options...), trace: true, complete: true},
	}
}

// probe measures the modern probe, where it can be loaded.
func (b *bench) probe(rep *report, trace string) {
	if err := b.probeUsable(trace); err != nil {
		rep.note("the modern probe can't be used here, so it was not measured: %v", err)
		return
	}
	vs := probeVariants(trace)
	for i := range vs {
		rep.Probe.Columns = append(rep.Probe.Columns, column{vs[i].name, vs[i].shown()})
	}
	s := b.sizes
	s.launches = min(s.launches, probeLaunches)
	s.dd *= probeDDTimes
	for _, w := range workloads(b.self, s) {
		switch w.name {
		case "dd", "find", "launch", "http":
			rep.Probe.Workloads = append(rep.Probe.Workloads, b.probeWorkload(w, vs, rep))
		}
	}
}

// probeUsable tries the probe.
func (b *bench) probeUsable(trace string) error {
	if findProgram("taskset") == "" {
		return errors.New("taskset is not installed")
	}
	out, err := b.run([]string{trace, "--driver", "modern-bpf", "-q", "-w", "/dev/null", "--", "true"})
	if err == nil && out.status != 0 {
		err = failureOf(out, nil)
	}
	return err
}

func (b *bench) probeWorkload(w workload, vs []variant, rep *report) workloadFigures {
	res := workloadFigures{Name: w.name, What: w.what, Cells: make([]cell, len(vs))}
	for i := range b.reps + 1 { // the first warms the caches up
		for k := range vs {
			v, c := &vs[k], &res.Cells[k]
			if c.bad || b.ctx.Err() != nil {
				continue
			}
			b.progress.show("%s: %s (%d of %d)", w.name, v.name, i, b.reps)
			out, err := b.besideProbe(w, v)
			if err == nil && out.status != 0 && !(w.uneven && out.status == 1) {
				err = failureOf(out, nil)
			}
			if err == nil && i > 0 {
				err = c.add(out, v, w.least)
			}
			if err != nil {
				c.bad = true
				rep.fault("%s, %s: %w", w.name, v.name, err)
			}
		}
	}
	base := median(res.Cells[0].Seconds)
	for i := range res.Cells {
		c := &res.Cells[i]
		c.Variant, c.Median = vs[i].name, median(c.Seconds)
		c.Native = ratio(c.Median, base)
		if most, ok := probeGoals[c.Variant][w.name]; ok {
			c.Goal = judge("to_native", c.Native, most)
		}
	}
	return res
}

// besideProbe runs work on one CPU with the reader of events on another.
func (b *bench) besideProbe(w workload, v *variant) (out outcome, err error) {
	dir, err := os.MkdirTemp(b.dir, w.name+"-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	argv, err := w.argv(dir)
	if err != nil {
		return out, err
	}
	file := filepath.Join(dir, "capture.scap")
	if w.server { // its client is what takes time, and not before it serves
		return b.load(v.command(argv, file), dir)
	}
	start, release, err := os.Pipe()
	if err != nil {
		return out, err
	}
	defer release.Close()
	var answer bytes.Buffer
	line := append([]string{"taskset", "-c", "1", b.self, "work", "timed"}, argv...)
	p, err := b.start(line, start, &answer)
	start.Close()
	if err != nil {
		return out, err
	}
	var tracer *process
	if v.trace {
		line := append([]string{"taskset", "-c", "0"}, v.attach(p.cmd.Process.Pid, file)...)
		if tracer, err = b.start(line, nil, nil); err == nil {
			err = awaitCapture(tracer, file)
		}
		if err != nil {
			p.kill()
			p.wait()
			return out, errors.Join(err, tracerEnd(tracer))
		}
	}
	if _, err := release.Write([]byte{'\n'}); err != nil {
		return out, err
	}
	out, err = p.wait()
	if tracer != nil {
		end, terr := tracer.wait()
		out.stderr, err = end.stderr, errors.Join(err, terr)
	}
	ns, perr := strconv.ParseInt(strings.TrimSpace(answer.String()), 10, 64)
	out.wall = time.Duration(ns)
	return out, errors.Join(err, perr)
}

// awaitCapture waits until a tracer that attached has written the head of its
// capture, which it does once all is in place.
func awaitCapture(p *process, file string) error {
	for end := time.Now().Add(startTime); time.Now().Before(end) && p.alive(); time.Sleep(5 * time.Millisecond) {
		if st, err := os.Stat(file); err == nil && st.Size() > 0 {
			return nil
		}
	}
	return errors.New("the tracer did not begin")
}

// tracerEnd ends a tracer that failed and returns what it said.
func tracerEnd(p *process) error {
	if p == nil {
		return nil
	}
	p.kill()
	out, err := p.wait()
	return fmt.Errorf("tracer: %w", failureOf(out, err))
}

// probeTable shows the figures of the probe.
func (r *report) probeTable() table {
	t := table{
		title: "The modern probe, work on one CPU and reader on another: wall time, " + pinned + " is 1, and events",
		head:  []string{"", "seconds, " + pinned},
	}
	for _, c := range r.Probe.Columns[1:] {
		t.head = append(t.head, c.Name, "goal", "events")
	}
	for _, w := range r.Probe.Workloads {
		row := []string{w.Name, seconds(w.Cells[0].Median)}
		for i := range w.Cells[1:] {
			c := &w.Cells[i+1]
			goal := ""
			if c.Goal != nil {
				goal = fmt.Sprintf("%g", c.Goal.Most)
			}
			row = append(row, times(c.Native)+r.verdict(c.Goal, "to_native"), goal, events(c.Counters, c.Lost))
		}
		t.rows = append(t.rows, row)
	}
	return t
}
