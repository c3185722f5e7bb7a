package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{
		{nil, 0}, {[]float64{4}, 4}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(c.xs)
		if got := median(c.xs); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.xs, got, c.want)
		}
		if !slices.Equal(before, c.xs) {
			t.Errorf("median changed its argument to %v", c.xs)
		}
	}
	if got := ratio(3, 2); got != 1.5 {
		t.Errorf("ratio(3, 2) = %v", got)
	}
	if got := ratio(3, 0); got != 0 {
		t.Errorf("ratio(3, 0) = %v, want 0 for what was not measured", got)
	}
}

func TestParseCounters(t *testing.T) {
	want := counters{Events: 9, Drops: 1, Stops: 16, Reported: 8, Unwritten: 2}
	for name, text := range map[string]string{
		"json":        `{"n_evts":9,"n_drops":1,"stops":16,"reported":8,"unwritten":2}` + "\n",
		"text":        "n_evts 9\nn_drops 1\nstops 16\nreported 8\nunwritten 2\n",
		"other lines": "2+0 records in\n{\"n_evts\":1}\nn_evts 9\nn_drops 1\nstops 16\nreported 8\nunwritten 2\nbye\n",
		"the last": `{"n_evts":1,"n_drops":1,"stops":1,"reported":1,"unwritten":1}
{"n_evts":9,"n_drops":1,"stops":16,"reported":8,"unwritten":2}`,
	} {
		if got, err := parseCounters(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, text := range []string{"", "trace: no such file\n", `{"n_evts":9,"stops":16,"reported":8,"unwritten":2}`, `{"n_evts":-9}`, "n_evts 9\nn_drops 1\n"} {
		if c, err := parseCounters(text); err == nil {
			t.Errorf("%q gave %+v, want an error", text, c)
		}
	}
}

func TestLost(t *testing.T) {
	for _, c := range []struct {
		counters counters
		least    uint64
		want     uint64
	}{
		{counters{Reported: 10}, 10, 0},
		{counters{Reported: 10}, 5, 0},
		{counters{Reported: 7}, 10, 3},
		{counters{Reported: 7, Drops: 1, Unwritten: 2}, 0, 3},
		{counters{Reported: 7, Drops: 1}, 8, 2},
	} {
		if got := c.counters.lost(c.least); got != c.want {
			t.Errorf("%+v of at least %d: lost %d, want %d", c.counters, c.least, got, c.want)
		}
	}
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-2,6": {0, 1, 2, 6}, "3,1,3": {1, 3}, "1023": {1023}} {
		if got, err := parseCPUs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", list, got, err, want)
		}
	}
	for _, list := range []string{"", "a", "1-", "-1", "2-1", "0,,1", "1024", "0-99999999999"} {
		if got, err := parseCPUs(list); err == nil {
			t.Errorf("%q: %v, want an error", list, got)
		}
	}
}

func TestStatusField(t *testing.T) {
	text := "Name:\tVmHWM: x\nTracerPid:\t42\nVmHWM:\t   12345 kB\nEmpty:\n"
	for key, want := range map[string]int{"TracerPid": 42, "VmHWM": 12345} {
		if got, ok := statusField(text, key); !ok || got != want {
			t.Errorf("%s: %d, %v, want %d", key, got, ok, want)
		}
	}
	for _, key := range []string{"Tracer", "Empty", "Name"} {
		if got, ok := statusField(text, key); ok {
			t.Errorf("%s: %d, want none", key, got)
		}
	}
}

func TestCPUModel(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpuinfo")
	if err := os.WriteFile(file, []byte("processor\t: 0\nmodel name\t: Fast: CPU\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := cpuModel(file); got != "Fast: CPU" {
		t.Errorf("%q", got)
	}
	if got := cpuModel(file + "x"); got != "unknown model" {
		t.Errorf("%q without a file", got)
	}
}

func TestOptions(t *testing.T) {
	parse := func(args ...string) (options, error) { return parseOptions(args, io.Discard) }
	if o, err := parse(); err != nil || o.reps != 3 || o.trace != "bin/trace" {
		t.Errorf("defaults: %+v, %v", o, err)
	}
	if o, err := parse("-smoke"); err != nil || o.reps != 1 {
		t.Errorf("-smoke: %+v, %v", o, err)
	}
	if o, err := parse("-smoke", "-n", "2"); err != nil || o.reps != 2 {
		t.Errorf("-smoke -n 2: %+v, %v", o, err)
	}
	for _, args := range [][]string{{"-n", "0"}, {"-json", "-markdown"}, {"dd"}, {"-nonsense"}} {
		if _, err := parse(args...); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestFailureOf(t *testing.T) {
	for want, c := range map[string]struct {
		out outcome
		err error
	}{
		"exit status 2":           {outcome{status: 2}, nil},
		"exit status 2: no file":  {outcome{status: 2, stderr: "first\nno file\n"}, nil},
		"signal: killed: no file": {outcome{status: -1, stderr: "no file"}, errors.New("signal: killed")},
	} {
		if got := failureOf(c.out, c.err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVariants(t *testing.T) {
	vs := variants("/bin/trace", "")
	byName := map[string]*variant{}
	for i := range vs {
		v := &vs[i]
		if vs[0].name != native || byName[v.name] != nil {
			t.Fatalf("%s: not the first, or twice", v.name)
		}
		if v.peer != "" && byName[v.peer] == nil {
			t.Errorf("%s is compared with %q, which does not come before", v.name, v.peer)
		}
		if v.missing() != strings.HasPrefix(v.name, "strace") {
			t.Errorf("%s: missing is %v", v.name, v.missing())
		}
		byName[v.name] = v
	}
	for name, want := range map[string]string{
		native:    "true x",
		traceFile: "/bin/trace --stats --json -q -w cap -- true x",
		allText:   "/bin/trace -a --stats -o /dev/null -- true x",
	} {
		if got := strings.Join(byName[name].command([]string{"true", "x"}, "cap"), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := strings.Join(byName[allFile].attach(7, "cap"), " "); got != "/bin/trace -a --stats --json -q -w cap -p 7" {
		t.Errorf("attach: %q", got)
	}
	if got := byName[straceSet].shown(); got != "strace -f --seccomp-bpf -e trace=SET -o /dev/null" {
		t.Errorf("shown: %q", got)
	}
}

func TestStraceDefault(t *testing.T) {
	names := strings.Split(straceDefault(), ",")
	for _, want := range []string{"?execve", "?openat", "?close", "?clone3", "?connect", "?unlinkat"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
	for _, not := range []string{"?read", "?write", "?sched_process_exit", "?"} {
		if slices.Contains(names, not) {
			t.Errorf("%s is among %v", not, names)
		}
	}
}

func TestWorkArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"files"}, {"files", "/", "many"}, {"threads", "0"}, {"load", "addr", "1", "-1"}} {
		if err := work(args); err == nil {
			t.Errorf("work %q does something", args)
		}
	}
}
