package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/output"
	"github.com/lannerhq/lanner/internal/pipeline"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// outputs are the sinks that the options ask for, and what is behind them.
type outputs struct {
	sinks   []pipeline.Sink
	closers []func() error
	failed  bool // a sink gave up

	counters []counter // of sinks that count, complete once closed
	restarts []func()  // see restart
	joins    []func(snap *snapshot.State, foreign bool)
	kill     func() // ends a command that does not end with us, nil where there is none
	hurries  []func()
	over     atomic.Bool // no event will come any more
}

// hurry keeps sinks from waiting for others: somebody asked us, or the command, to end.
func (o *outputs) hurry() {
	for _, f := range o.hurries {
		f()
	}
}

// restart tells sinks that the state has changed by more than events tell. Those that
// carry the state describe it anew.
func (o *outputs) restart() {
	for _, f := range o.restarts {
		f()
	}
}

// joined tells sinks of threads that no event has told of: those of another tracer.
// foreign says that their ids are not of our PID namespace.
func (o *outputs) joined(snap *snapshot.State, foreign bool) {
	o.restart()
	for _, f := range o.joins {
		f(snap, foreign)
	}
}

// abandon ends the program, and its command, because a sink may not lose anything.
func (o *outputs) abandon() {
	if o.kill != nil {
		o.kill()
	}
	o.close()
	os.Exit(codeFailure)
}

// printed is a sink for people: it leaves out what only updates state.
type printed struct {
	output.Writer
	name string
}

func (p printed) Write(ev *event.Event, st *state.State) error {
	if ev.Flags&event.StateOnly != 0 {
		return nil
	}
	return p.named(p.Writer.Write(ev, st))
}

func (p printed) Flush() error { return p.named(p.Writer.Flush()) }

func (p printed) named(err error) error { return sinkError("print events to", p.name, err) }

// captured is a sink for machines.
type captured struct {
	*capture.Writer
	name  string
	stale bool // what the file says there is is not all any more
}

func (c *captured) Write(ev *event.Event, st *state.State) error {
	if c.stale {
		c.stale = false
		c.Section(st.Snapshot())
	}
	return sinkError("write capture", c.name, c.Writer.WriteEvent(ev))
}

func (c *captured) Flush() error { return sinkError("write capture", c.name, c.Writer.Flush()) }

// sinkError says what became of a sink, in one line.
func sinkError(what, name string, err error) error {
	if err == nil {
		return nil
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}

// openOutputs opens what the options ask for. std is where events are printed if
// nothing else is said.
func openOutputs(c *cli.Context, std *os.File, snap *snapshot.State, in spec.Profile) (*outputs, error) {
	o := &outputs{}
	if err := o.openText(c, std); err != nil {
		o.close()
		return nil, err
	}
	if c.IsSet("write") {
		open := o.openCapture
		if stream.IsAddress(c.String("write")) {
			open = o.openStream
		}
		if err := open(c, snap, in); err != nil {
			o.close()
			return nil, err
		}
	}
	if c.Bool("udig") {
		if err := o.openRing(c, in); err != nil {
			o.close()
			return nil, err
		}
	}
	return o, nil
}

func (o *outputs) openText(c *cli.Context, std *os.File) error {
	if c.Bool("quiet") && !c.IsSet("output") && !c.Bool("summary") {
		return nil
	}
	f := std
	if name := c.String("output"); name != "" && name != "-" {
		var err error
		if f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return plain("open", err)
		}
		o.closers = append(o.closers, f.Close)
	} else if name == "-" {
		f = os.Stdout
	}
	opts := output.Options{
		Data: max(c.Int("snaplen"), output.DefaultData), Color: colorful(f), Prefix: c.String("prefix"), Shared: f == os.Stderr,
	}
	var w output.Writer
	switch {
	case c.Bool("summary"):
		sum := output.NewSummary()
		w = sum
		o.closers = append([]func() error{func() error {
			return sinkError("print summary to", f.Name(), writeSummary(f, sum.Report(), c.Bool("json")))
		}}, o.closers...)
	case c.Bool("json"):
		w = output.NewJSON(f, opts)
	case c.IsSet("format"):
		t, err := output.NewFormat(f, c.String("format"), opts)
		if err != nil {
			return err
		}
		w = t
	default:
		w = output.NewText(f, opts)
	}
	o.sinks = append(o.sinks, printed{w, f.Name()})
	return nil
}

func (o *outputs) openCapture(c *cli.Context, snap *snapshot.State, in spec.Profile) error {
	name := c.String("write")
	opts := capture.Options{Profile: in, Gzip: c.Bool("compress") || strings.HasSuffix(name, ".gz")}
	rot, err := rotation(c)
	if err != nil {
		return err
	}
	if rot != (capture.Rotation{}) {
		return o.openFiles(name, snap, rot, opts)
	}
	var w io.Writer = os.Stdout
	if name != "-" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return plain("open", err)
		}
		o.closers = append(o.closers, f.Close)
		w = f
	}
	cw, err := capture.NewWriter(w, snap, opts)
	if err != nil {
		return sinkError("write capture", name, err)
	}
	sink := &captured{Writer: cw, name: name}
	o.sinks = append(o.sinks, sink)
	o.restarts = append(o.restarts, func() { sink.stale = true })
	o.closers = append([]func() error{cw.Close}, o.closers...)
	return nil
}

// fail tells of a sink that gave up. Where a reader merely stopped reading there
// is nothing to tell.
func (o *outputs) fail(err error) {
	o.failed = true
	if !errors.Is(err, unix.EPIPE) {
		complain(err)
	}
}

// close ends all outputs.
func (o *outputs) close() {
	for _, f := range o.closers {
		if err := f(); err != nil && !o.failed {
			o.fail(err)
		}
	}
}

// plain words a file error: operation, name, reason.
func plain(what string, err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s %s: %w", what, pe.Path, pe.Err)
	}
	return err
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
