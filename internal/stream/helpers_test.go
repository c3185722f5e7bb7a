package stream

import (
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// patience is for what happens as soon as the machine gets to it.
const patience = 30 * time.Second

// closing makes the event "close res=0 fd=n" of thread 100.
func closing(ts uint64, n int64) *event.Event { return closingOf(100, ts, n) }

func closingOf(tid int64, ts uint64, n int64) *event.Event {
	var b event.Builder
	ev := new(event.Event)
	b.Begin(event.CloseX, ts, tid, 2)
	b.PutS64(0)
	b.PutS64(n)
	if _, err := ev.Parse(b.End()); err != nil {
		panic(err)
	}
	return ev
}

// reading makes the event "read res=n data=..." of thread 100, with size bytes of data.
func reading(ts uint64, n int64, size int) *event.Event {
	var b event.Builder
	ev := new(event.Event)
	b.Begin(event.ReadX, ts, 100, 2)
	b.PutS64(n)
	b.PutBytes(make([]byte, size))
	if _, err := ev.Parse(b.End()); err != nil {
		panic(err)
	}
	return ev
}

// processes is a snapshot with a process for each id.
func processes(ids ...int64) *snapshot.State {
	st := &snapshot.State{Machine: snapshot.Machine{CPUs: 1, Hostname: "host"}}
	for _, id := range ids {
		st.Threads = append(st.Threads, snapshot.Thread{
			TID: id, PID: id, PTID: 1, VTID: id, VPID: id, Comm: "work", Exe: "work",
			FDs: []snapshot.FD{{FD: 7, Type: snapshot.FDFileV2, Name: "/etc/hosts"}},
		})
	}
	return st
}

func address(t *testing.T) Address {
	t.Helper()
	a, err := ParseAddress("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A source is a tracer: a Sender and the state beside it.
type source struct {
	*Sender
	st *state.State
	ts uint64
}

func newSource(t *testing.T, cfg SenderConfig, snap *snapshot.State) *source {
	t.Helper()
	if cfg.Buffer == 0 {
		cfg.Buffer = MinBuffer
	}
	if cfg.Identity.Tracer == "" {
		cfg.Identity = Self(spec.Current, "")
	}
	cfg.Profile = spec.Current
	s, err := NewSender(cfg, snap)
	if err != nil {
		t.Fatal(err)
	}
	return &source{Sender: s, st: state.New(snap)}
}

// send sends n events whose descriptors count up from first.
func (s *source) send(t *testing.T, first, n int64) {
	t.Helper()
	for i := range n {
		s.ts++
		s.write(t, closing(s.ts, first+i))
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (s *source) write(t *testing.T, ev *event.Event) {
	t.Helper()
	s.st.Apply(ev)
	if err := s.Write(ev, s.st); err != nil {
		t.Fatal(err)
	}
}

// A sink is a server and what came out of it.
type sink struct {
	*Server
	mu     sync.Mutex
	events []seen
	joins  []*snapshot.State
	bases  []int64
	leaves int
	lines  []string
	done   chan struct{}
}

type seen struct {
	tid  int64
	ts   uint64
	fd   int64 // of a close
	text string
}

// newSink starts a server. gate, if not nil, is taken from before each event.
func newSink(t *testing.T, cfg ServerConfig, gate chan struct{}) *sink {
	t.Helper()
	s := &sink{done: make(chan struct{})}
	locked := func(f func()) { s.mu.Lock(); f(); s.mu.Unlock() }
	cfg.Join = func(tr *Tracer, snap *snapshot.State) {
		locked(func() { s.joins = append(s.joins, snap); s.bases = append(s.bases, tr.Base) })
	}
	cfg.Leave = func(*Tracer, []int64) { locked(func() { s.leaves++ }) }
	cfg.Notice = func(line string) { locked(func() { s.lines = append(s.lines, line) }) }
	var err error
	if s.Server, err = Listen(cfg); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		var ev event.Event
		for {
			if gate != nil {
				<-gate
			}
			err := s.ReadInto(&ev)
			if err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				return
			}
			e := seen{tid: ev.TID(), ts: ev.TS()}
			if ev.Type() == event.CloseX {
				e.fd, _ = ev.Int(1)
			} else {
				e.text, _ = ev.String(1)
			}
			locked(func() { s.events = append(s.events, e) })
		}
	}()
	return s
}

// until waits for a condition on what came.
func (s *sink) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		met := ok()
		s.mu.Unlock()
		if met {
			return
		}
		if time.Now().After(end) {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s: not within %v; %d events, %d joins, lines %q", what, patience, len(s.events), len(s.joins), s.lines)
		}
	}
}

func (s *sink) count(t *testing.T, n int) {
	t.Helper()
	s.until(t, "events", func() bool { return len(s.events) >= n })
}

func (s *sink) end() {
	s.Close()
	<-s.done
}

// ended closes a source and returns its counters.
func (s *source) ended(t *testing.T) SenderStats {
	t.Helper()
	st, err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	return st
}
