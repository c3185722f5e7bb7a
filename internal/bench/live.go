package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/plugin"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/udig"
	"github.com/lannerhq/lanner/internal/udig/udigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// liveFigures are those of the ways to a live reader. The events come from a capture
// that is read as fast as can be, so that what is measured is the way.
type liveFigures struct {
	Rows      []liveRow `json:"ways"`
	Reconnect []float64 `json:"reconnect_seconds"` // from where somebody listens again
}

type liveRow struct {
	Name    string  `json:"name"`
	Events  uint64  `json:"events"`
	Lost    uint64  `json:"lost"`
	Seconds float64 `json:"seconds"`            // median
	Each    float64 `json:"ns_per_event"`       // median
	Memory  float64 `json:"receiver,omitempty"` // VmHWM of the receiver, bytes
	Goals   []*goal `json:"goals,omitempty"`
}

// Goals of the ways: 1 million events a second, and memory.
const (
	mostEach   = 1000 // ns
	mostServer = 64e6 // bytes
)

// crowdOf is how many tracers there are at once.
const crowdOf = 20

// live measures the ways to a live reader.
func (b *bench) live(rep *report, trace string) {
	n := b.sizes.events
	file, part := filepath.Join(b.dir, "events.scap"), filepath.Join(b.dir, "part.scap")
	if err := errors.Join(writeEvents(file, n), writeEvents(part, n/crowdOf)); err != nil {
		rep.fault("live: %w", err)
		return
	}
	defer os.Remove(file)
	defer os.Remove(part)
	for _, w := range []struct {
		name   string
		events int
		run    func() (time.Duration, uint64, float64, error)
		judge  func(r *liveRow)
	}{
		{"Unix socket into a capture", n, func() (time.Duration, uint64, float64, error) { return b.serve(trace, file, 1) },
			func(r *liveRow) { r.Goals = []*goal{judge("ns_per_event", r.Each, mostEach)} }},
		{fmt.Sprintf("%d tracers into a capture", crowdOf), n / crowdOf * crowdOf, func() (time.Duration, uint64, float64, error) { return b.serve(trace, part, crowdOf) },
			func(r *liveRow) { r.Goals = []*goal{judge("receiver", r.Memory, mostServer)} }},
		{"Falco plugin", n, func() (time.Duration, uint64, float64, error) { return b.plugin(trace, file, n) }, nil},
		{"ring in shared memory", n, func() (time.Duration, uint64, float64, error) { return ring(n) }, nil},
	} {
		row := liveRow{Name: w.name, Events: uint64(w.events)}
		var secs []float64
		for i := range b.reps {
			b.progress.show("live: %s (%d of %d)", w.name, i+1, b.reps)
			took, got, memory, err := w.run()
			if err != nil {
				rep.fault("live, %s: %w", w.name, err)
				break
			}
			secs = append(secs, took.Seconds())
			row.Memory = max(row.Memory, memory)
			row.Lost += row.Events - min(got, row.Events)
		}
		if row.Seconds = median(secs); row.Seconds > 0 {
			row.Each = row.Seconds * 1e9 / float64(w.events)
			if w.judge != nil {
				w.judge(&row)
			}
			rep.Live.Rows = append(rep.Live.Rows, row)
		}
	}
	for range b.reps {
		took, err := b.reconnect(trace)
		if err != nil {
			rep.fault("live, reconnecting: %w", err)
			break
		}
		rep.Live.Reconnect = append(rep.Live.Reconnect, took.Seconds())
	}
}

// writeEvents writes a capture of n events, of which a process reads.
func writeEvents(name string, n int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	snap := &snapshot.State{Threads: []snapshot.Thread{{
		TID: 100, PID: 100, PTID: 1, VTID: 100, VPID: 100, Comm: "reader", Exe: "reader",
		FDs: []snapshot.FD{{FD: 3, Type: snapshot.FDFileV2, Name: "/var/log/messages"}},
	}}}
	w, err := capture.NewWriter(f, snap, capture.Options{Profile: spec.Current})
	var b event.Builder
	var ev event.Event
	for i := range n {
		b.Reset()
		b.Begin(event.ReadX, uint64(i+1)*1000, 100, 4)
		b.PutS64(40)
		b.PutBytes([]byte("forty bytes of what was read from a file"))
		b.PutS64(3)
		b.PutU32(40)
		if _, perr := ev.Parse(b.End()); perr != nil {
			return perr
		}
		if err == nil {
			err = w.WriteEvent(&ev)
		}
	}
	return errors.Join(err, w.Close())
}

// serve lets tracers that read a capture send it to one server, and returns how long it
// took until all was written, how many events came, and the server's memory.
func (b *bench) serve(trace, file string, tracers int) (took time.Duration, got uint64, memory float64, err error) {
	dir, err := os.MkdirTemp(b.dir, "live-")
	if err != nil {
		return 0, 0, 0, err
	}
	defer os.RemoveAll(dir)
	addr := "unix:" + filepath.Join(dir, "s")
	srv, err := b.listen(trace, addr, "-q", "--stats", "-w", filepath.Join(dir, "out.scap"))
	if err != nil {
		return 0, 0, 0, err
	}
	begun := time.Now()
	var senders []*process
	for range tracers {
		p, serr := b.start([]string{trace, "-q", "-r", file, "-w", addr, "--stream-full", "block"}, nil, nil)
		if serr != nil {
			err = serr
			break
		}
		senders = append(senders, p)
	}
	for _, p := range senders {
		out, werr := p.wait()
		if werr == nil && out.status != 0 {
			werr = failureOf(out, nil)
		}
		err = errors.Join(err, werr)
	}
	memory, _ = peak(srv.cmd.Process.Pid)
	_ = unix.Kill(srv.cmd.Process.Pid, unix.SIGINT)
	out, werr := srv.wait()
	took = time.Since(begun)
	if werr == nil && out.status != 0 {
		werr = failureOf(out, nil)
	}
	for line := range strings.Lines(out.stderr) {
		fmt.Sscanf(line, "received %d", &got)
	}
	return took, got, memory, errors.Join(err, werr)
}

// plugin lets a tracer that reads a capture send it to the plugin's source, in this
// process, and takes what a host would get.
func (b *bench) plugin(trace, file string, n int) (took time.Duration, got uint64, memory float64, err error) {
	dir, err := os.MkdirTemp(b.dir, "live-")
	if err != nil {
		return 0, 0, 0, err
	}
	defer os.RemoveAll(dir)
	cfg, err := plugin.ParseConfig("")
	if err != nil {
		return 0, 0, 0, err
	}
	addr := "unix:" + filepath.Join(dir, "s")
	src, err := plugin.Open(cfg, addr, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	defer src.Close()
	begun := time.Now()
	p, err := b.start([]string{trace, "-q", "-r", file, "-w", addr, "--stream-full", "block"}, nil, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	for idle := false; got < uint64(n) && !idle; {
		gone := !p.alive()
		batch, err := src.Next(startTime / 10)
		if err != nil {
			break // it will not be all
		}
		for _, at := range batch.Starts {
			var ev event.Event
			if _, err := ev.Parse(batch.Data[at:]); err == nil && ev.Type() == event.ReadX {
				got++
			}
		}
		idle = gone && len(batch.Starts) == 0
	}
	took = time.Since(begun)
	out, err := p.wait()
	if err == nil && out.status != 0 {
		err = failureOf(out, nil)
	}
	return took, got, 0, err
}

// listen starts a server, and waits until it listens.
func (b *bench) listen(trace, addr string, options ...string) (*process, error) {
	p, err := b.start(append([]string{trace, "serve", "--listen", addr}, options...), nil, nil)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(startTime); time.Now().Before(end) && p.alive(); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(strings.TrimPrefix(addr, "unix:")); err == nil {
			return p, nil
		}
	}
	p.kill()
	out, err := p.wait()
	return nil, fmt.Errorf("the server did not begin: %w", failureOf(out, err))
}

// reconnect kills a server and returns how long, once another one listens, it takes
// until the tracer is there.
func (b *bench) reconnect(trace string) (took time.Duration, err error) {
	dir, err := os.MkdirTemp(b.dir, "live-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	addr := "unix:" + filepath.Join(dir, "s")
	srv, err := b.listen(trace, addr, "-o", os.DevNull)
	if err != nil {
		return 0, err
	}
	tracer, err := b.start([]string{trace, "-q", "-w", addr, "--stream-wait", "10s", "sleep", "600"}, nil, nil)
	if err != nil {
		srv.kill()
		srv.wait()
		return 0, err
	}
	defer tracer.wait()
	defer tracer.kill()
	if _, err = arrival(srv); err != nil {
		return 0, err
	}
	if srv, err = b.listen(trace, addr, "-o", os.DevNull); err != nil {
		return 0, err
	}
	return arrival(srv)
}

// arrival waits until a tracer has come, returns how long that took and kills the
// server.
func arrival(srv *process) (took time.Duration, err error) {
	begun := time.Now()
	for !strings.Contains(said(srv), " connected") && srv.alive() && took < startTime {
		time.Sleep(time.Millisecond)
		took = time.Since(begun)
	}
	srv.kill()
	out, _ := srv.wait() // its end is ours
	if !strings.Contains(out.stderr, " connected") {
		return 0, errors.New("the tracer did not come")
	}
	return took, nil
}

// said returns what a process has written to standard error so far.
func said(p *process) string {
	text, _ := tail(p.stderr)
	return text
}

// ring moves n events through the ring, from one goroutine to another.
func ring(n int) (took time.Duration, got uint64, memory float64, err error) {
	dir, err := os.MkdirTemp(udig.Dir, "bench-")
	if err != nil {
		return 0, 0, 0, err
	}
	defer os.RemoveAll(dir)
	layout, err := udig.ParseLayout("0.36.2")
	if err != nil {
		return 0, 0, 0, err
	}
	r, err := udig.Open(dir, layout)
	if err != nil {
		return 0, 0, 0, err
	}
	defer r.Close()
	c, err := udigtest.Open(dir)
	if err != nil {
		return 0, 0, 0, err
	}
	defer c.Close()
	var b event.Builder
	var ev event.Event
	b.Begin(event.ReadX, 1, 100, 2)
	b.PutS64(40)
	b.PutBytes([]byte("forty bytes of what was read from a file"))
	if _, err := ev.Parse(b.End()); err != nil {
		return 0, 0, 0, err
	}
	begun, failed := time.Now(), make(chan error, 1)
	go func() {
		for lost := uint64(0); r.Stats().Written < uint64(n); {
			if err := r.Write(&ev); err != nil {
				failed <- err
				return
			}
			if now := r.Stats().Lost(); now > lost { // no room: it is offered again
				lost = now
				time.Sleep(50 * time.Microsecond)
			}
		}
		failed <- nil
	}()
	for got < uint64(n) {
		k, err := c.Read(func(*event.Event) {})
		if err != nil {
			return 0, got, 0, err
		}
		if got += uint64(k); k == 0 {
			select {
			case err := <-failed:
				if err != nil {
					return 0, got, 0, err
				}
				failed <- nil
			default:
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
	return time.Since(begun), got, 0, nil
}

// liveTable shows the figures of the ways to a live reader.
func (r *report) liveTable() table {
	t := table{
		title: fmt.Sprintf("Live readers (goals: 1 million events a second through the socket, %g MB with %d tracers)", mostServer/1e6, crowdOf),
		head:  []string{"", "events", "million a second", "receiver's memory in MB", "reconnected in ms"},
	}
	for _, l := range r.Live.Rows {
		row := []string{l.Name, events(&counters{Reported: l.Events}, l.Lost), fmt.Sprintf("%.2f", 1e3/l.Each), "", ""}
		if l.Memory > 0 {
			row[3] = fmt.Sprintf("%.1f", l.Memory/1e6)
		}
		for _, g := range l.Goals {
			switch {
			case g != nil && g.Of == "receiver":
				row[3] += r.verdict(g, g.Of)
			case g != nil:
				row[2] += r.verdict(g, g.Of)
			}
		}
		t.rows = append(t.rows, row)
	}
	if len(r.Live.Reconnect) > 0 {
		t.rows = append(t.rows, []string{"a server that is back", "", "", "", millis(median(r.Live.Reconnect))})
	}
	return t
}
