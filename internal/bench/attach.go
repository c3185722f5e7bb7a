package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// attachFigures are what it costs to trace a process that runs already.
type attachFigures struct {
	Threads int         `json:"threads"` // of the process, besides the runtime's own
	Calls   int         `json:"calls"`   // made by it, each time it is asked to
	Rows    []attachRow `json:"runs"`
}

// An attachRow has medians; times are in seconds.
type attachRow struct {
	Variant  string    `json:"variant"`
	Attach   float64   `json:"attach"`   // from the tracer's start until every thread is traced
	Before   float64   `json:"before"`   // a call, before
	Traced   float64   `json:"traced"`   // a call, while attached
	After    float64   `json:"after"`    // a call, after
	Release  float64   `json:"release"`  // from SIGINT to the tracer's end
	Slowdown float64   `json:"slowdown"` // Traced in Before
	Counters *counters `json:"counters,omitempty"`
	Lost     uint64    `json:"lost"`
}

// attachVariants are those that differ where a process is attached to: there is
// no filter.
var attachVariants = []string{straceAll, traceFile, allFile}

// attach measures attaching, the repetitions interleaved as elsewhere.
func (b *bench) attach(rep *report) {
	rep.Attach.Threads, rep.Attach.Calls = b.sizes.attached, 2*b.sizes.calls
	samples := map[string][]attachRow{}
	bad := map[string]bool{}
	for i := range b.reps {
		for j := range b.variants {
			v := &b.variants[(i+j)%len(b.variants)]
			if !isAttachVariant(v) || bad[v.name] || b.ctx.Err() != nil {
				continue
			}
			b.progress.show("attach: %s (%d of %d)", v.name, i+1, b.reps)
			row, err := b.attachOnce(v)
			if err != nil {
				bad[v.name] = true
				rep.fault("attach, %s: %w", v.name, err)
				continue
			}
			samples[v.name] = append(samples[v.name], row)
		}
	}
	for _, name := range attachVariants {
		if rows := samples[name]; len(rows) > 0 && !bad[name] {
			rep.Attach.Rows = append(rep.Attach.Rows, mergeAttach(rows))
		}
	}
}

func isAttachVariant(v *variant) bool {
	for _, n := range attachVariants {
		if v.name == n {
			return !v.missing()
		}
	}
	return false
}

// mergeAttach takes the medians of repetitions.
func mergeAttach(rows []attachRow) attachRow {
	of := func(f func(*attachRow) float64) float64 {
		var xs []float64
		for i := range rows {
			xs = append(xs, f(&rows[i]))
		}
		return median(xs)
	}
	last := rows[len(rows)-1]
	m := attachRow{
		Variant: last.Variant, Counters: last.Counters,
		Attach:  of(func(r *attachRow) float64 { return r.Attach }),
		Before:  of(func(r *attachRow) float64 { return r.Before }),
		Traced:  of(func(r *attachRow) float64 { return r.Traced }),
		After:   of(func(r *attachRow) float64 { return r.After }),
		Release: of(func(r *attachRow) float64 { return r.Release }),
	}
	m.Slowdown = ratio(m.Traced, m.Before)
	for i := range rows {
		m.Lost += rows[i].Lost
	}
	return m
}

// attachOnce starts a process, attaches to it and lets go of it.
func (b *bench) attachOnce(v *variant) (row attachRow, err error) {
	p, in, out, err := b.piped([]string{b.self, "work", "steady", strconv.Itoa(b.sizes.attached)})
	if err != nil {
		return row, err
	}
	defer out.Close()
	s := steady{in: in, lines: bufio.NewScanner(out), calls: b.sizes.calls}
	if !s.lines.Scan() {
		err = errors.New("the process to attach to did not start")
	} else {
		row, err = b.attachTo(v, p.cmd.Process.Pid, s)
	}
	in.Close()
	if err != nil {
		p.kill()
		p.wait()
		return row, err
	}
	end, err := p.wait()
	if err == nil && end.status != 0 {
		err = fmt.Errorf("the process attached to: %w", failureOf(end, nil))
	}
	return row, err
}

func (b *bench) attachTo(v *variant, pid int, s steady) (row attachRow, err error) {
	row.Variant = v.name
	if row.Before, err = s.run(); err != nil {
		return row, err
	}
	capture := filepath.Join(b.dir, "attach.scap")
	defer os.Remove(capture)
	tracer, err := b.start(v.attach(pid, capture), nil, nil)
	if err != nil {
		return row, err
	}
	if err = awaitTraced(pid, tracer); err == nil {
		row.Attach = time.Since(tracer.began).Seconds()
		row.Traced, err = s.run()
	}
	asked := time.Now()
	if err == nil {
		err = unix.Kill(tracer.cmd.Process.Pid, unix.SIGINT)
	}
	if err != nil {
		tracer.kill()
		end, werr := tracer.wait()
		return row, errors.Join(err, failureOf(end, werr))
	}
	end, err := tracer.wait()
	row.Release = time.Since(asked).Seconds()
	if err := b.checkTracer(v, end, err, &row); err != nil {
		return row, err
	}
	row.After, err = s.run()
	row.Slowdown = ratio(row.Traced, row.Before)
	return row, err
}

// checkTracer reads what the tracer said at its end. strace dies of the SIGINT
// that we sent.
func (b *bench) checkTracer(v *variant, end outcome, err error, row *attachRow) error {
	if !v.trace {
		return nil
	}
	if err != nil || end.status != 0 {
		return failureOf(end, err)
	}
	c, err := parseCounters(end.stderr)
	if err != nil {
		return err
	}
	least := uint64(opens)
	if v.complete {
		least += 2 * uint64(b.sizes.calls)
	}
	row.Counters, row.Lost = &c, c.lost(least)
	return nil
}

// steady is a process that makes calls when asked to (workSteady).
type steady struct {
	in    io.Writer
	lines *bufio.Scanner
	calls int
}

// run has the calls made and returns the time of one, in seconds.
func (s steady) run() (float64, error) {
	if _, err := fmt.Fprintln(s.in, s.calls); err != nil {
		return 0, err
	}
	if !s.lines.Scan() {
		return 0, errors.Join(errors.New("the process to attach to has ended"), s.lines.Err())
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(s.lines.Text()), 10, 64)
	return float64(ns) / 1e9 / float64(2*s.calls), err
}

// awaitTraced waits until every thread of a process has a tracer.
func awaitTraced(pid int, tracer *process) error {
	for end := time.Now().Add(startTime); time.Now().Before(end) && tracer.alive(); time.Sleep(200 * time.Microsecond) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil {
			return err
		}
		all := len(files) > 0
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				continue // the thread has ended
			}
			if by, _ := statusField(string(text), "TracerPid"); by == 0 {
				all = false
				break
			}
		}
		if all {
			return nil
		}
	}
	return errors.New("the process is not traced")
}
