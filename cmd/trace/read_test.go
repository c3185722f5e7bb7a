package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/output"
)

// sample makes a capture of a program that reads and writes 3000 bytes and fails
// once.
func sample(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sample.scap")
	got := run(t, traceBin, "-q", "-a", "-w", file, "sh", "-c", "cd "+t.TempDir()+
		"; head -c 3000 /dev/zero >zeros; cat zeros >copy; cat /no/such/file 2>/dev/null; exit 4")
	if got.code != 4 {
		t.Fatalf("%+v", got)
	}
	return file
}

// TestTimes: what --since and --until leave is what lies between, with its names.
func TestTimes(t *testing.T) {
	file := sample(t)
	const format = "%evt.rawtime %evt.type %proc.name %fd.name"
	whole := slices.Collect(strings.Lines(run(t, traceBin, "-r", file, "--format", format).out))
	from, to := len(whole)/3, len(whole)*2/3
	at := func(line int) string {
		ns, _, _ := strings.Cut(whole[line], " ")
		return "@" + ns[:len(ns)-9] + "." + ns[len(ns)-9:]
	}
	got := run(t, traceBin, "-r", file, "--format", format, "--since", at(from), "--until", at(to))
	if want := strings.Join(whole[from:to], ""); got.out != want || got.code != 0 || got.err != "" {
		t.Errorf("got %s%s\nwant %s", got.err, got.out, want)
	}
	// The rest of both ends, and together with a set of events.
	if got := run(t, traceBin, "-r", file, "--format", format, "--since", at(to)); got.out != strings.Join(whole[to:], "") {
		t.Errorf("since alone: got %s", got.out)
	}
	if got := run(t, traceBin, "-r", file, "--format", format, "--until", at(from)); got.out != strings.Join(whole[:from], "") {
		t.Errorf("until alone: got %s", got.out)
	}
	if got := run(t, traceBin, "-r", file, "--format", "%evt.type", "-e", "execve", "--since", at(1)); strings.Count(got.out, "execve\n") != strings.Count(got.out, "\n") || got.out == "" {
		t.Errorf("of a set: got %s", got.out)
	}
	if got := run(t, traceBin, "-r", file, "--since", "+1h"); got.out != "" || got.code != 0 {
		t.Errorf("behind the end: %+v", got)
	}
	// A part of a capture is a capture.
	part := filepath.Join(t.TempDir(), "part.scap")
	run(t, traceBin, "-q", "-r", file, "-w", part, "--since", at(from), "--until", at(to))
	if got := run(t, traceBin, "-r", part, "--format", format); got.out != strings.Join(whole[from:to], "") {
		t.Errorf("the part: got %s%s", got.err, got.out)
	}
}

// TestSummary: the figures are those of the events.
func TestSummary(t *testing.T) {
	file := sample(t)
	got := run(t, traceBin, "-r", file, "--summary", "--json")
	var sum output.Report
	if err := json.Unmarshal([]byte(got.out), &sum); err != nil || got.err != "" {
		t.Fatalf("%v\n%s%s", err, got.err, got.out)
	}
	counts := map[string]uint64{}
	for line := range strings.Lines(run(t, traceBin, "-r", file, "--format", "%evt.type").out) {
		counts[strings.TrimSpace(line)]++
	}
	total := uint64(0)
	for _, e := range sum.Events {
		if counts[e.Name] != e.Events {
			t.Errorf("%s: %d events, counted %d", e.Name, e.Events, counts[e.Name])
		}
		total += e.Events
	}
	if total != sum.Total || len(sum.Events) != len(counts) {
		t.Errorf("%d events of %d types, the sum of types is %d of %d", sum.Total, len(counts), total, len(sum.Events))
	}
	find := func(list []output.Tally, suffix string) output.Tally {
		i := slices.IndexFunc(list, func(x output.Tally) bool { return strings.HasSuffix(x.Name, suffix) })
		if i < 0 {
			t.Fatalf("no %s in %+v", suffix, list)
		}
		return list[i]
	}
	if f := find(sum.Files, "/zeros"); f.Written != 3000 || f.Read != 3000 {
		t.Errorf("the file: %+v", f)
	}
	if p := find(sum.Processes, "head"); p.PID == 0 || p.Written != 3000 || p.Read < 3000 {
		t.Errorf("a process: %+v", p)
	}

	got = run(t, traceBin, "-r", file, "--summary")
	for _, want := range []string{" events in ", "EVENT\n", "PROCESS\n", "FILE\n", "/zeros\n", "2.9K", "--json has all"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	// Of a command, whose own output and end stay as they are.
	got = run(t, traceBin, "--summary", "sh", "-c", "echo hello; exit 5")
	if got.out != "hello\n" || got.code != 5 || !strings.Contains(got.err, "execve\n") || strings.Contains(got.err, "<") {
		t.Errorf("a command: %+v", got)
	}
}

// TestSummaryLikeSysdig: sysdig -S counts the same.
func TestSummaryLikeSysdig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.scap")
	run(t, traceBin, "-q", "-a", "--profile", "0.36", "-w", file, "sh", "-c", "cat /etc/hostname; ls /")
	theirs := map[string]uint64{}
	for line := range strings.Lines(bookworm(t).Run(t, "-r", file, "-S", "-q")) {
		var dir, name string
		var n uint64
		if k, _ := fmt.Sscan(line, &dir, &name, &n); k == 3 && (dir == "<" || dir == ">") {
			theirs[name] += n
		}
	}
	var sum output.Report
	got := run(t, traceBin, "-r", file, "--summary", "--json")
	if err := json.Unmarshal([]byte(got.out), &sum); err != nil {
		t.Fatal(err)
	}
	for _, e := range sum.Events {
		if n, ok := theirs[e.Name]; ok && n != e.Events {
			t.Errorf("%s: %d events, sysdig counts %d", e.Name, e.Events, n)
		}
		delete(theirs, e.Name)
		if strings.HasPrefix(e.Name, "open") && e.Time == 0 {
			t.Errorf("%+v took no time", e)
		}
	}
	delete(theirs, "<unknown>") // calls that it does not know
	delete(theirs, "sigreturn") // its name for rt_sigreturn
	if len(theirs) > 0 || len(sum.Events) < 15 {
		t.Errorf("of %d types; sysdig has %v besides", len(sum.Events), theirs)
	}
}

// TestProgress: at a terminal a line tells how far reading has come, if the reader
// has to wait.
func TestProgress(t *testing.T) {
	file := sample(t)
	read := traceBin + " -a -r " + file + ".long --json"
	const slowly = "{ read x </dev/tty; cat >/dev/null; }"
	for _, into := range []string{
		read + " | " + slowly,
		"mkfifo " + file + ".fifo; " + slowly + " <" + file + ".fifo & " + read + " -o " + file + ".fifo",
	} {
		// More text than a pipe holds waits for the user.
		term, _ := onTerminal(t, "sh", "-c", "for i in 1 2 3 4; do cat "+file+"; done >"+file+".long; "+into+"; echo done")
		term.expect(file + ".long: ")
		term.expect("% of ")
		term.expect(" read\x1b[K")
		term.typ("\n")
		term.expect("\r\x1b[K")
		term.expect("done")
	}
}
