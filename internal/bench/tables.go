package main

import (
	"fmt"
	"io"
	"strings"
)

// print writes the report, its tables in the given form.
func (r *report) print(w io.Writer, form func(table, io.Writer) error) error {
	for _, t := range r.tables() {
		if err := form(t, w); err != nil {
			return err
		}
	}
	lines := append([]string{}, r.Notes...)
	if r.Smoke {
		lines = append(lines, "Everything once and small: the figures show that it works and mean nothing else.")
	}
	for _, f := range r.Faults {
		lines = append(lines, "FAILED: "+f)
	}
	lines = append(lines, fmt.Sprintf("Events lost, in all: %d", r.lost()))
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n\n")) // a blank line, for Markdown
	return err
}

func (r *report) tables() []table {
	if len(r.Workloads) == 0 {
		return []table{r.machineTable(), r.liveTable()}
	}
	ts := []table{
		r.machineTable(), r.whatTable(), r.wayTable(),
		r.cellTable(fmt.Sprintf("Wall time in seconds, median of %d", r.Repetitions), nil, func(c *cell) string { return seconds(c.Median) }),
		r.cellTable(fmt.Sprintf("Wall time, native is 1 (goal for trace on dd: at most %g)", mostOfNative), isTracer, func(c *cell) string {
			return times(c.Native) + r.verdict(c.Goal, "to_native")
		}),
		r.cellTable(fmt.Sprintf("Wall time, strace is 1: trace against \"%s\", trace -a against \"%s\" (goal for trace -a: at most %g)",
			straceSet, straceAll, mostOfStrace), isTrace, func(c *cell) string {
			return times(c.Peer) + r.verdict(c.Goal, "to_strace")
		}),
		r.cellTable("Events reported by a run, and lost by all", isTrace, func(c *cell) string {
			return events(c.Counters, c.Lost)
		}),
		r.memoryTable(), r.attachTable(),
	}
	if len(r.Probe.Columns) > 0 {
		ts = append(ts, r.probeTable())
	}
	if len(r.Live.Rows) > 0 {
		ts = append(ts, r.liveTable())
	}
	return ts
}

func (r *report) machineTable() table {
	t := table{title: "Machine", head: []string{"", ""}, words: true}
	for _, f := range r.Facts {
		t.rows = append(t.rows, []string{f.Name, f.Value})
	}
	return t
}

func (r *report) whatTable() table {
	t := table{title: "Work", head: []string{"name", "what"}, words: true}
	for _, w := range r.Workloads {
		t.rows = append(t.rows, []string{w.Name, w.What})
	}
	return t
}

func (r *report) wayTable() table {
	t := table{title: "Ways to run it (SET: the default set of trace)", head: []string{"name", "command"}, words: true}
	for _, c := range r.Columns {
		t.rows = append(t.rows, []string{c.Name, c.Command})
	}
	return t
}

func isTracer(name string) bool { return name != native }

func isTrace(name string) bool { return isTracer(name) && name != straceAll && name != straceSet }

// cellTable shows one figure of each cell, work by way.
func (r *report) cellTable(title string, shown func(column string) bool, figure func(*cell) string) table {
	t := table{title: title, head: []string{""}}
	for _, c := range r.Columns {
		if shown == nil || shown(c.Name) {
			t.head = append(t.head, c.Name)
		}
	}
	for _, w := range r.Workloads {
		row := []string{w.Name}
		for i, c := range r.Columns {
			if shown == nil || shown(c.Name) {
				row = append(row, figure(&w.Cells[i]))
			}
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (r *report) memoryTable() table {
	t := table{
		title: fmt.Sprintf("Peak memory (VmHWM) of the tracer of %d processes, in MB (goal for trace: at most %g)", r.Memory.Processes, mostMemory/1e6),
		head:  []string{"", "MB", "events"},
	}
	for _, m := range r.Memory.Rows {
		t.rows = append(t.rows, []string{
			m.Variant, fmt.Sprintf("%.1f", m.Bytes/1e6) + r.verdict(m.Goal, "bytes"), events(m.Counters, m.Lost),
		})
	}
	return t
}

func (r *report) attachTable() table {
	t := table{
		title: fmt.Sprintf("Attaching to a process of %d threads, and %d calls of it before, meanwhile and after", r.Attach.Threads, r.Attach.Calls),
		head:  []string{"", "attached in ms", "call before µs", "traced µs", "after µs", "slower by", "let go in ms", "events"},
	}
	for _, a := range r.Attach.Rows {
		t.rows = append(t.rows, []string{
			a.Variant, millis(a.Attach), micros(a.Before), micros(a.Traced), micros(a.After), times(a.Slowdown), millis(a.Release),
			events(a.Counters, a.Lost),
		})
	}
	return t
}

// verdict says whether a goal for a figure is met. The figures of a smoke test
// are not worth one.
func (r *report) verdict(g *goal, of string) string {
	switch {
	case g == nil || g.Of != of || r.Smoke:
		return ""
	case g.Met:
		return " met"
	}
	return " missed"
}

// seconds formats a time; 0 is none.
func seconds(s float64) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", s)
}

func millis(s float64) string { return fmt.Sprintf("%.1f", s*1e3) }
func micros(s float64) string { return fmt.Sprintf("%.2f", s*1e6) }

// times formats a ratio with three digits; 0 is none.
func times(x float64) string {
	switch {
	case x == 0:
		return ""
	case x < 9.995:
		return fmt.Sprintf("%.2f", x)
	case x < 99.95:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// events formats how many were reported and, if any, lost.
func events(c *counters, lost uint64) string {
	switch {
	case c == nil:
		return ""
	case lost > 0:
		return fmt.Sprintf("%d, LOST %d", c.Reported, lost)
	}
	return fmt.Sprint(c.Reported)
}
