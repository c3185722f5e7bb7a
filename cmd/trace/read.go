package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"sync/atomic"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/container"
	"github.com/lannerhq/lanner/internal/pipeline"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// selection returns the events that the options ask for.
func selection(c *cli.Context, in spec.Profile) (event.Set, error) {
	switch {
	case c.Bool("all") && c.IsSet("events"):
		return event.ParseSet("all,"+c.String("events"), in)
	case c.Bool("all"):
		return event.ParseSet("all", in)
	case c.IsSet("events"):
		return event.ParseSet(c.String("events"), in)
	}
	return event.DefaultSet(in), nil
}

// replay is a source that reads a capture and keeps up its state: a file may
// hold several sections.
type replay struct {
	*capture.Reader
	st      *state.State
	section int
	box     string     // id of the container that events are of, empty for what they say
	anew    func()     // told of a section that is not the first
	keep    *event.Set // nil is all
	codes   map[event.Type][]uint16
	over    atomic.Bool

	// Which times are wanted, known with the first event: ns since the epoch.
	since, until moment
	begun        bool
	start, end   uint64

	ahead event.Event // read by skip and not yet returned
	held  bool        // there is one
	err   error       // or this is what came instead
}

// disorder is how far behind later events an event may stand in a file: ns. Drivers
// with a buffer for each CPU put events in order, but do not wait for stragglers.
const disorder = 1e9

func (r *replay) ReadInto(ev *event.Event) error {
	if r.held || r.err != nil {
		*ev, r.held = r.ahead, false
		return r.err
	}
	return r.next(ev)
}

// begin takes over what the section being read says there is.
func (r *replay) begin() {
	container.Snapshot(r.State(), r.box)
	r.st = state.New(r.State())
}

// next reads an event, which is for the state only if it is not wanted.
func (r *replay) next(ev *event.Event) error {
	if r.over.Load() {
		return pipeline.Stop
	}
	if err := r.Reader.ReadInto(ev); err != nil {
		return err
	}
	if s := r.Section(); s != r.section {
		r.section = s
		r.begin()
		r.anew()
	}
	ts := ev.TS()
	if !r.begun {
		r.begun, r.start, r.end = true, r.since.at(ts, 0), r.until.at(ts, math.MaxUint64)
	}
	if r.end < math.MaxUint64-disorder && ts >= r.end+disorder {
		return pipeline.Stop
	}
	if ts < r.start || ts >= r.end || !r.selected(ev) {
		ev.Flags |= event.StateOnly
	}
	return nil
}

// skip applies what is before the first event of a wanted time, so that a capture
// that is written need not have it, and returns what is known then.
func (r *replay) skip() *snapshot.State {
	r.anew = func() {}
	for {
		if r.err = r.next(&r.ahead); r.err != nil {
			break
		}
		if r.ahead.TS() >= r.start {
			r.held = true
			break
		}
		r.st.Apply(&r.ahead)
	}
	r.st.Finish()
	return r.st.Snapshot()
}

// selected reports whether an event belongs to the selection. Generic events tell
// their code themselves.
func (r *replay) selected(ev *event.Event) bool {
	if r.keep == nil {
		return true
	}
	if t := ev.Type(); t == event.GenericE || t == event.GenericX {
		id, ok := ev.Int(0)
		return ok && r.keep.Has(uint16(id))
	}
	for _, sc := range r.codes[ev.Type()&^1] {
		if r.keep.Has(sc) {
			return true
		}
	}
	return false
}

// openReplay opens the capture that the options name.
func openReplay(c *cli.Context, in spec.Profile) (r *replay, err error) {
	r = new(replay)
	if r.box, err = containerID(c); err != nil {
		return nil, err
	}
	if r.since, err = parseMoment(c.String("since")); err != nil {
		return nil, usage("--since " + err.Error())
	}
	if r.until, err = parseMoment(c.String("until")); err != nil {
		return nil, usage("--until " + err.Error())
	}
	if c.IsSet("events") {
		keep, err := selection(c, in)
		if err != nil {
			return nil, err
		}
		r.keep, r.codes = &keep, event.Codes()
	}
	name := c.String("read")
	if name == "-" {
		r.Reader, err = capture.NewReader(os.Stdin)
	} else {
		r.Reader, err = capture.Open(name)
	}
	if err != nil {
		if _, missing := errors.AsType[*os.PathError](err); !missing {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return nil, plain("open", err)
	}
	r.begin()
	return r, nil
}

// readCapture prints or rewrites a capture.
func readCapture(c *cli.Context) error {
	in, err := profile(c)
	if err != nil {
		return err
	}
	src, err := openReplay(c, in)
	if err != nil {
		return err
	}
	defer src.Close()
	name, stopProgress := c.String("read"), func() {}
	elsewhere := c.IsSet("output") && c.String("output") != "-" || !isTerminal(os.Stdout)
	if isTerminal(os.Stderr) && !c.Bool("quiet") && (c.Bool("summary") || elsewhere) {
		stopProgress = showProgress(name, src.Reader)
	}
	snap := src.State()
	if c.IsSet("since") {
		snap = src.skip()
	}
	out, err := openOutputs(c, os.Stdout, snap, in)
	if err != nil {
		stopProgress()
		return err
	}
	src.anew = out.restart
	signal.Ignore(unix.SIGPIPE)
	left := len(out.sinks)
	stats, err := pipeline.Run(container.Source(src, src.box), out.sinks, pipeline.Options{
		Count: c.Uint64("count"),
		State: func() *state.State { return src.st },
		OnError: func(err error) {
			out.fail(err)
			if left--; left == 0 {
				src.over.Store(true)
			}
		},
		OnLimit: func() { src.over.Store(true) },
	})
	stopProgress()
	out.close()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if off, cut := src.Truncated(); cut {
		complain(fmt.Errorf("%s: ends in the middle of a block at offset %d; its writer was killed or the disk was full", name, off))
	}
	if n := src.Skipped(); n > 0 && !c.Bool("quiet") {
		complain(fmt.Errorf("%s: %d events of types that this version does not know were left out", name, n))
	}
	printStats(c, nil, moved{stats, out.counters})
	if out.failed {
		return silent(codeFailure)
	}
	return nil
}
