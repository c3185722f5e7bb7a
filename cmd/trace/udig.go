package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/internal/udig"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// catUdig is the category of options for the ring.
const catUdig = "ring in shared memory (Falco 0.36 --userspace, sysdig --udig)"

// udigFlags are the options of the ring.
func udigFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "udig", Category: catUdig, Usage: "write events into the ring; implies --profile 0.36"},
		&cli.StringFlag{Name: "udig-layout", Category: catUdig, Value: "0.36.2", Usage: "layout of the reader: 0.36.2 (of Falco), 0.12 (libs 0.9 to 0.12), 0.8 (libs up to 0.8, sysdig 0.29)"},
		&cli.DurationFlag{Name: "udig-wait", Category: catUdig, Usage: "begin only when somebody reads; fail if nobody does within `DURATION`, as 30s"},
	}
}

// ringed is a sink that fills the ring.
type ringed struct {
	*udig.Ring
	in   spec.Profile
	pid  int  // of the consumer
	here bool // it sees our processes itself
	intr []*snapshot.State
}

// Write puts an event into the ring, behind those that tell a new reader of threads
// which it can't find in its own /proc.
func (r *ringed) Write(ev *event.Event, st *state.State) error {
	if pid := r.Consumer(); pid != r.pid {
		r.pid, r.here = pid, r.ConsumerHere()
		if r.intr = nil; pid != 0 && !r.here {
			r.intr = append(r.intr, st.Snapshot())
		}
	}
	for _, snap := range r.intr {
		var told event.Event
		for i := stream.Introduce(snap, ev.TS(), r.in); i.Next(&told); {
			if err := r.Ring.Write(&told); err != nil {
				return err
			}
		}
	}
	r.intr = nil
	if ev.Flags&event.StateOnly != 0 {
		return nil
	}
	return r.Ring.Write(ev)
}

func (r *ringed) Flush() error { return nil }

// joined tells the reader of threads of another tracer.
func (r *ringed) joined(snap *snapshot.State, foreign bool) {
	if r.pid != 0 && (foreign || !r.here) {
		r.intr = append(r.intr, snap)
	}
}

// openRing joins the ring.
func (o *outputs) openRing(c *cli.Context, in spec.Profile) error {
	layout, err := udig.ParseLayout(c.String("udig-layout"))
	if err != nil {
		return usage("--udig-layout: " + err.Error())
	}
	ring, err := udig.Open(udig.Dir, layout)
	if err != nil {
		return err
	}
	quiet := c.Bool("quiet")
	sink := &ringed{Ring: ring, in: in}
	o.sinks = append(o.sinks, sink)
	o.joins = append(o.joins, sink.joined)
	o.closers = append(o.closers, func() error {
		s := ring.Close()
		o.counters = append(o.counters, counter{"udig_written", s.Written}, counter{"udig_no_consumer", s.NoConsumer},
			counter{"udig_stopped", s.Stopped}, counter{"udig_dropped_no_room", s.NoRoom}, counter{"udig_dropped_locked", s.Locked},
			counter{"udig_dropped_too_long", s.TooLong}, counter{"udig_dropped_unknown", s.Unknown}, counter{"udig_dropped_broken", s.Broken})
		if line := s.Report(); line != "" {
			notice(quiet, line)
		}
		return nil
	})
	if ring.ConsumerGone() {
		notice(quiet, fmt.Sprintf("process %d reads the ring, it says, but is not to be seen here: it has died, or is in another PID namespace", ring.Consumer()))
	}
	if d := c.Duration("udig-wait"); d > 0 {
		if !ring.Reading() {
			notice(quiet, fmt.Sprintf("waiting up to %v for somebody to read the ring", d))
		}
		return ring.Wait(d)
	}
	return nil
}
