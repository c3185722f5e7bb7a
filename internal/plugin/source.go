package plugin

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
)

// batchSize is how many bytes of events wait for the host. An event that is longer is
// a batch of its own.
const batchSize = 1 << 20

// align is what the start of an event in a batch is a multiple of.
const align = 8

// A Batch is some events, one behind the other.
type Batch struct {
	Data   []byte
	Starts []int // where in Data each begins
}

// A Source receives events of tracers.
type Source struct {
	cfg  *Config
	srv  *stream.Server
	done chan struct{} // receive has ended

	// Of receive.
	known   map[*stream.Tracer]bool
	waiting []described // to be told of before the next event

	ready chan struct{} // filling is not empty any more, or err is set; of capacity 1

	mu      sync.Mutex // of all below
	room    sync.Cond  // filling got empty
	filling Batch
	held    Batch // the host has it
	err     error // why nothing more will come
	closed  bool
	tracers int
	events  uint64
}

// A described is what a tracer says there is.
type described struct {
	by   *stream.Tracer
	snap *snapshot.State
}

// Open listens at the address that params is, or at DefaultParams. notice is told of
// tracers in one line each, from any goroutine.
func Open(cfg *Config, params string, notice func(line string)) (*Source, error) {
	if params == "" {
		params = DefaultParams
	}
	addr, err := stream.ParseAddress(params)
	if err != nil {
		return nil, fmt.Errorf("open_params: %w", err)
	}
	s := &Source{cfg: cfg, done: make(chan struct{}), ready: make(chan struct{}, 1), known: make(map[*stream.Tracer]bool)}
	s.room.L = &s.mu
	s.srv, err = stream.Listen(stream.ServerConfig{
		Address: addr, Token: cfg.token, Mode: cfg.mode, Only: cfg.profile, Join: s.join, Leave: s.leave, Notice: notice,
	})
	if errors.Is(err, stream.ErrToken) {
		return nil, fmt.Errorf("open_params: %s: beyond this machine it takes a secret that tracers know too: token_file in init_config", params)
	}
	if err != nil {
		return nil, err
	}
	go s.receive()
	return s, nil
}

// Next returns the events that have come in since the last call, after at most patience
// if there are none; they are valid until the next call. Once the source is closed it
// returns io.EOF.
func (s *Source) Next(patience time.Duration) (Batch, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		if b, err := s.swap(); err != nil || len(b.Starts) > 0 {
			return b, err
		}
		select {
		case <-s.ready: // may be of a batch that was taken without waiting for it
		case <-timer.C:
			return s.swap()
		}
	}
}

// swap takes the batch that is filling, and takes back the one that the host had.
func (s *Source) swap() (Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.filling.Starts) == 0 {
		return Batch{}, s.err
	}
	s.filling, s.held = s.held, s.filling
	s.filling.Data, s.filling.Starts = s.filling.Data[:0], s.filling.Starts[:0]
	if cap(s.filling.Data) > 2*batchSize { // of an event that was longer than usual
		s.filling.Data = nil
	}
	s.room.Signal()
	return s.held, nil
}

// receive moves events from tracers into batches.
func (s *Source) receive() {
	defer close(s.done)
	s.end(s.pump())
}

// pump returns why it ended. An error of our own must not take the host along.
func (s *Source) pump() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a bug: %v\n%s", r, debug.Stack())
		}
	}()
	var ev, intro event.Event
	for {
		if err := s.srv.ReadInto(&ev); err != nil {
			return err
		}
		for _, d := range s.waiting {
			for i := stream.Introduce(d.snap, ev.TS(), s.cfg.profile); i.Next(&intro); {
				s.add(&intro)
			}
		}
		s.waiting = nil
		s.add(&ev)
	}
}

// add puts an event into the batch, and waits while that is full.
func (s *Source) add(ev *event.Event) {
	b := ev.Bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && len(s.filling.Starts) > 0 && len(s.filling.Data)+len(b) > batchSize {
		s.room.Wait()
	}
	if s.closed {
		return
	}
	f := &s.filling
	for len(f.Data)%align != 0 {
		f.Data = append(f.Data, 0)
	}
	f.Starts = append(f.Starts, len(f.Data))
	f.Data = append(f.Data, b...)
	s.events++
	s.wake()
}

func (s *Source) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		s.err = io.EOF
	}
	s.wake()
}

func (s *Source) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// join and leave are called by ReadInto.

func (s *Source) join(t *stream.Tracer, snap *snapshot.State) {
	s.forget(t) // what it said before, if no event came since
	s.waiting = append(s.waiting, described{t, snap})
	if s.known[t] {
		return // it only described anew what there is
	}
	s.known[t] = true
	s.mu.Lock()
	s.tracers++
	s.mu.Unlock()
}

func (s *Source) leave(t *stream.Tracer, _ []int64) {
	s.forget(t)
	delete(s.known, t)
	s.mu.Lock()
	s.tracers--
	s.mu.Unlock()
}

func (s *Source) forget(t *stream.Tracer) {
	s.waiting = slices.DeleteFunc(s.waiting, func(d described) bool { return d.by == t })
}

// A Metric is a counter or a gauge.
type Metric struct {
	Name  string
	Gauge bool
	Value uint64
}

// Metrics returns the figures of the source.
func (s *Source) Metrics() []Metric {
	st := s.srv.Stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	return []Metric{
		{"tracers", true, uint64(s.tracers)}, {"n_evts", false, s.events}, {"n_drops", false, st.Dropped},
		{"refused", false, st.Refused}, {"late", false, st.Late},
	}
}

// Progress says in words what has come in.
func (s *Source) Progress() string {
	dropped := s.srv.Stats().Dropped
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d tracers, %d events, %d dropped", s.tracers, s.events, dropped)
}

// Close ends the source. Batches are no longer valid then.
func (s *Source) Close() {
	s.mu.Lock()
	s.closed = true
	s.room.Broadcast()
	s.mu.Unlock()
	s.srv.Close()
	<-s.done
}
