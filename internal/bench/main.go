// Command bench tells what tracing costs: what the same work takes without a
// tracer, under strace, and under trace.
//
// In a nutshell: variant.go lists the ways to run a command, workload.go the
// work; measure.go runs each work every way and takes medians; memory.go and
// attach.go measure what has no wall time of a command, probe.go the modern probe,
// live.go the ways to a live reader;
// report.go holds all figures, tables.go prints them. Work that needs a program of
// its own is done by this program again, called as "bench work ..." (work*.go).
//
// The repetitions of one piece of work are interleaved, first all ways once, then
// all again, so that a machine that grows slower meanwhile is unfair to none. No
// process is pinned unless -cpus says so: where the scheduler puts tracer and
// tracee is part of the cost. No privileges are needed.
//
// A goal that is missed is told and no more, for figures of a busy machine prove
// little. A lost event is a failure, exit status 1, and so is work that ends
// otherwise under a tracer than without.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// options are what the command line says.
type options struct {
	trace    string
	smoke    bool
	live     bool
	reps     int
	cpus     string
	json     bool
	markdown bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "work" {
		if err := work(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench work:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	failed, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

func parseOptions(args []string, usage io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.trace, "trace", "bin/trace", "the `program` to measure")
	f.BoolVar(&o.smoke, "smoke", false, "everything once and small: shows that it works, measures nothing")
	f.BoolVar(&o.live, "live", false, "the ways to a live reader alone")
	f.IntVar(&o.reps, "n", 3, "`repetitions`, of which the median counts")
	f.StringVar(&o.cpus, "cpus", "", "run everything on the CPUs of `LIST`, like 0 or 0-3,6")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print Markdown")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(usage, "usage: bench [options]")
			f.SetOutput(usage)
			f.PrintDefaults()
		}
		return o, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.json && o.markdown:
		return o, errors.New("either -json or -markdown, not both")
	case o.reps < 1:
		return o, fmt.Errorf("-n %d: at least one repetition is needed", o.reps)
	}
	if o.smoke && !given["n"] {
		o.reps = 1
	}
	return o, nil
}

// run measures everything and prints it. failed means that the figures show a
// failure; err that there is no full set of figures.
func run(o options) (failed bool, err error) {
	if o.cpus != "" {
		if err := pin(o.cpus); err != nil {
			return false, err
		}
	}
	trace, err := filepath.Abs(o.trace)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(trace); err != nil {
		return false, fmt.Errorf("no program to measure: %w (make builds it)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer cancel()

	s := full
	r := &runner{ctx: ctx, dir: dir, timeout: 5 * time.Minute}
	if o.smoke {
		s, r.timeout = small, 20*time.Second
	}
	b := bench{
		runner: r, self: self, sizes: s, reps: o.reps, progress: newProgress(os.Stderr),
		variants: variants(trace, findProgram("strace")),
	}
	rep := report{Facts: facts(trace), Smoke: o.smoke, Repetitions: o.reps, Notes: []string{}, Faults: []string{}}
	if !o.live {
		b.all(&rep)
		b.probe(&rep, trace)
	}
	b.live(&rep, trace)
	b.progress.clear()
	if ctx.Err() != nil {
		return true, errors.New("interrupted")
	}
	switch {
	case o.json:
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(rep)
	case o.markdown:
		err = rep.print(os.Stdout, table.markdown)
	default:
		err = rep.print(os.Stdout, table.text)
	}
	return rep.failed(), err
}
