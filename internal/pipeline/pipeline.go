// Package pipeline moves events from a source to sinks.
//
// In a nutshell: Run takes each event of a source, applies it to the state and
// hands it to every sink; a clock flushes the sinks, so that what happened is
// seen soon even where nothing more happens. A sink that fails is told of once
// and left out from then on: the traced program is not to suffer from a full
// disk or a closed pipe.
//
// Run works in the goroutine that calls it, as the ptrace driver wants; the
// clock has a goroutine of its own and shares sinks and state under a lock.
package pipeline

import (
	"io"
	"sync"
	"time"

	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
)

// A Sink is what events are written to.
type Sink interface {
	Write(ev *event.Event, st *state.State) error
	Flush() error
}

// A Ticker is a sink that the clock calls even where nothing happened. st is as the
// last event left it.
type Ticker interface {
	Tick(st *state.State) error
}

// A Beginner is a sink that must know what was before an event: where something new
// begins with the event. Begin is called before ev is applied to st.
type Beginner interface {
	Begin(ev *event.Event, st *state.State) error
}

// Options say how to run.
type Options struct {
	Count   uint64              // stop reporting after so many events; 0 is no limit
	OnError func(err error)     // told once of each sink that fails
	OnLimit func()              // called once when Count is reached
	State   func() *state.State // the state that the event just read applies to; a capture may start anew
}

// Stats counts what passed.
type Stats struct {
	Events uint64 // given to sinks
	Lost   uint64 // not written because all sinks had failed
}

// flushEvery is how long an event may wait in a buffer.
const flushEvery = 100 * time.Millisecond

// Run moves events until the source ends, and returns its error unless that is
// io.EOF. With a limit it goes on reading after Count events, so that the source
// can do its work, but reports none; Stop ends it.
func Run(src event.Source, sinks []Sink, o Options) (Stats, error) {
	r := runner{sinks: sinks, o: o, st: o.State()}
	done := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() { r.tick(done) })
	err := r.run(src)
	close(done)
	clock.Wait()
	r.flush()
	if err == io.EOF || err == Stop {
		err = nil
	}
	return r.stats, err
}

// Stop, returned by a source, ends Run without an error.
var Stop = io.ErrClosedPipe

type runner struct {
	mu    sync.Mutex // of all below
	sinks []Sink
	o     Options
	stats Stats
	st    *state.State // that the last event was applied to
	dirty bool         // something was written since the last flush
}

func (r *runner) run(src event.Source) error {
	var ev event.Event
	limited := false
	for {
		if err := src.ReadInto(&ev); err != nil {
			return err
		}
		if limited {
			continue
		}
		r.write(&ev)
		if ev.Flags&event.StateOnly == 0 && r.o.Count > 0 && r.stats.Events == r.o.Count {
			limited = true
			r.flush()
			if r.o.OnLimit != nil {
				r.o.OnLimit()
			}
		}
	}
}

func (r *runner) write(ev *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := r.o.State()
	r.each(func(s Sink) error {
		if b, ok := s.(Beginner); ok {
			return b.Begin(ev, st)
		}
		return nil
	})
	st.Apply(ev)
	r.st = st
	r.each(func(s Sink) error { return s.Write(ev, st) })
	r.dirty = true
	if ev.Flags&event.StateOnly != 0 {
		return
	}
	r.stats.Events++
	if len(r.sinks) == 0 {
		r.stats.Lost++
	}
}

// each does something with every sink, and leaves out those that fail.
func (r *runner) each(do func(Sink) error) {
	for i := 0; i < len(r.sinks); i++ {
		if err := do(r.sinks[i]); err != nil {
			r.sinks = append(r.sinks[:i:i], r.sinks[i+1:]...)
			i--
			r.o.OnError(err)
		}
	}
}

func (r *runner) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.each(r.flushSink)
	r.dirty = false
}

func (r *runner) flushSink(s Sink) error {
	if t, ok := s.(Ticker); ok {
		if err := t.Tick(r.st); err != nil {
			return err
		}
	}
	if !r.dirty {
		return nil
	}
	return s.Flush()
}

func (r *runner) tick(done <-chan struct{}) {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
			r.flush()
		}
	}
}
