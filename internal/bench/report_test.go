package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// sample is a report as conclude leaves it.
func sample(strace float64) *report {
	vs := variants("/bin/trace", "")
	r := &report{Repetitions: 3, Facts: []fact{{"kernel", "6.1"}}}
	for i := range vs {
		r.Columns = append(r.Columns, column{vs[i].name, vs[i].shown()})
	}
	w := workloadFigures{Name: "dd", What: "a|b", Cells: make([]cell, len(vs))}
	for i, s := range []float64{2, strace, strace / 2, 2.1, 3, 5, 10} {
		if s > 0 {
			w.Cells[i].Seconds = []float64{s + 1, s, s - 1}
		}
		if vs[i].trace {
			w.Cells[i].Counters = &counters{Reported: uint64(i)}
		}
	}
	w.conclude(vs)
	r.Workloads = []workloadFigures{w}
	r.Memory = memoryFigures{200, []memoryRow{{Variant: traceFile, Bytes: 12.5e6, Goal: judge("bytes", 12.5e6, mostMemory)}}}
	r.Attach = attachFigures{50, 1000, []attachRow{mergeAttach([]attachRow{
		{Variant: traceFile, Attach: 1, Before: 2, Traced: 6, After: 2, Lost: 0},
		{Variant: traceFile, Attach: 3, Before: 2, Traced: 10, After: 2, Lost: 0},
	})}}
	return r
}

func TestConclude(t *testing.T) {
	c := sample(10).Workloads[0].Cells
	if c[0].Median != 2 || c[0].Native != 0 || c[0].Peer != 0 || c[0].Goal != nil {
		t.Errorf("native: %+v", c[0])
	}
	if c[1].Native != 5 || c[1].Goal != nil {
		t.Errorf("strace: %+v", c[1])
	}
	for i, want := range map[int]goal{
		3: {"to_native", mostOfNative, true}, 4: {"to_native", mostOfNative, false},
		5: {"to_strace", mostOfStrace, true}, 6: {"to_strace", mostOfStrace, false},
	} {
		if c[i].Goal == nil || *c[i].Goal != want {
			t.Errorf("%s: goal %+v, want %+v", c[i].Variant, c[i].Goal, want)
		}
	}
	if c[4].Peer != 0.6 {
		t.Errorf("default set to strace with the set: %v, want 0.6", c[4].Peer)
	}
	for _, x := range sample(0).Workloads[0].Cells {
		if x.Peer != 0 || x.Goal != nil && x.Goal.Of == "to_strace" {
			t.Errorf("without strace: %+v", x)
		}
	}
}

func TestFailed(t *testing.T) {
	r := sample(1)
	if r.failed() {
		t.Error("missed goals are taken for a failure")
	}
	for name, spoil := range map[string]func(*report){
		"lost by a run":  func(r *report) { r.Workloads[0].Cells[3].Lost = 1 },
		"lost by memory": func(r *report) { r.Memory.Rows[0].Lost = 1 },
		"lost by attach": func(r *report) { r.Attach.Rows[0].Lost = 1 },
		"a fault":        func(r *report) { r.fault("dd: %w", errors.New("failed")) },
	} {
		r := sample(1)
		if spoil(r); !r.failed() {
			t.Errorf("%s: no failure", name)
		}
	}
}

func TestText(t *testing.T) {
	tab := table{"Title", []string{"", "µs", "x"}, [][]string{{"long name", "1.00", ""}, {"b", "10", "y"}}, false}
	var out bytes.Buffer
	if err := tab.text(&out); err != nil {
		t.Fatal(err)
	}
	want := "Title\n" +
		"               µs  x\n" +
		"  long name  1.00\n" +
		"  b            10  y\n\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	if err := tab.markdown(&out); err != nil {
		t.Fatal(err)
	}
	want = "**Title**\n\n|  | µs | x |\n| --- | ---: | ---: |\n| long name | 1.00 |  |\n| b | 10 | y |\n\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	r := sample(10)
	r.Workloads[0].Cells[5].Lost = 3
	r.note("strace is tired")
	if err := r.print(&out, table.markdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| kernel | 6.1 |",
		`| dd | a\|b |`,
		"| dd | 2.000 | 10.000 | 5.000 | 2.100 | 3.000 | 5.000 | 10.000 |",
		"| dd | 5.00 | 2.50 | 1.05 met | 1.50 missed | 2.50 | 5.00 |",
		"| dd | 0.42 | 0.60 | 0.50 met | 1.00 missed |",
		"| dd | 3 | 4 | 5, LOST 3 | 6 |",
		"| trace | 12.5 met |",
		"| trace | 2000.0 | 2000000.00 | 8000000.00 | 2000000.00 | 4.00 | 0.0 |",
		"strace is tired\n",
		"Events lost, in all: 3\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	r = sample(0)
	r.Smoke = true
	if err := r.print(&out, table.markdown); err != nil {
		t.Fatal(err)
	}
	if want := "| dd | 2.000 |  |  | 2.100 |"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q without strace in\n%s", want, out.String())
	}
	for _, not := range []string{" met", " missed"} {
		if strings.Contains(out.String(), not) {
			t.Errorf("a smoke test judges:\n%s", out.String())
		}
	}
}

func TestTimes(t *testing.T) {
	for x, want := range map[float64]string{0: "", 0.5: "0.50", 1.004: "1.00", 9.994: "9.99", 9.996: "10.0", 99.94: "99.9", 123.4: "123"} {
		if got := times(x); got != want {
			t.Errorf("times(%v) = %q, want %q", x, got, want)
		}
	}
}
