package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Full says what happens to events for which the buffer has no room.
type Full int

// The policies.
const (
	Drop  Full = iota // they are dropped, and counted
	Block             // whoever writes them waits for a listener to take some: see Hurry
	Exit              // Write fails with ErrFull
)

// ErrFull is the error of Write under Exit.
var ErrFull = errors.New("events found no room, and --stream-full is exit")

// SenderConfig says where and how to send.
type SenderConfig struct {
	Address  Address
	Token    *Token // nil for none
	Identity Identity
	Profile  spec.Profile
	Buffer   int // bytes of events kept while nobody takes them
	Full     Full
	Notice   func(line string) // told of connections; from any goroutine
	Alarm    func(line string) // told that Block holds up whoever writes; from any goroutine
}

// MinBuffer is the smallest buffer, bytes: any event of a driver fits.
const MinBuffer = 1 << 17

// A Sender sends a tracer's events to a listener.
type Sender struct {
	cfg    SenderConfig
	opts   capture.Options
	cancel context.CancelFunc
	done   chan struct{} // the goroutine has ended

	// Of the caller's goroutine.
	w       *capture.Writer // writes to the queue
	inW     uint64          // events in w's buffer
	st      *state.State    // as the last Write or Tick had it, nil before
	snap    *snapshot.State // what there was at the start, nil once st is set
	stale   bool            // a section with the state is to precede the next event
	gap     uint64          // events dropped since the last that was queued
	gapWhy  string
	builder event.Builder
	mark    event.Event

	wantHead atomic.Bool  // a connection waits for a head
	queued   atomic.Int64 // bytes in the queue
	sent     atomic.Uint64
	total    uint64 // events that Write was given

	mu        sync.Mutex // of all below
	cond      sync.Cond
	queue     []chunk
	free      [][]byte
	head      []byte // for the next connection
	connected bool
	why       string    // why it is not, as was told last
	movedAt   time.Time // since when nothing has moved
	alarmed   bool      // Alarm was told of what has not moved since
	hurried   bool
	takenAt   time.Time // when the listener that is there took the head; zero without one
	over      bool      // no more will be queued
	stats     SenderStats
}

// A chunk is a part of the stream: whole blocks.
type chunk struct {
	buf    []byte
	events uint64
}

// SenderStats counts events by what became of them.
type SenderStats struct {
	Sent        uint64 // handed to a connection
	NoRoom      uint64 // dropped: the listener was too slow
	NoListener  uint64 // dropped: nobody listened for too long
	Refused     uint64 // dropped: sent to a listener that then refused the tracer
	Connections uint64
}

// Dropped returns how many events were dropped.
func (s SenderStats) Dropped() uint64 { return s.NoRoom + s.NoListener + s.Refused }

// NewSender starts to connect, and goes on trying until Close. snap is what there is
// before the first event. It fails only for what no later try could mend.
func NewSender(cfg SenderConfig, snap *snapshot.State) (*Sender, error) {
	if err := cfg.Address.check(cfg.Token); err != nil {
		return nil, err
	}
	if cfg.Buffer < MinBuffer {
		return nil, fmt.Errorf("a buffer of %d bytes is too small: at least %d", cfg.Buffer, MinBuffer)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sender{
		cfg: cfg, opts: capture.Options{Profile: cfg.Profile, Identity: cfg.Identity.marshal()},
		cancel: cancel, done: make(chan struct{}), snap: snap, movedAt: time.Now(),
	}
	s.cond.L = &s.mu
	s.w = capture.Continue(queueWriter{s}, s.opts)
	s.makeHead()
	go s.run(ctx)
	return s, nil
}

// settleTime is how long after the head a listener that does not want us may take to say so.
const settleTime = 100 * time.Millisecond

// Wait waits until a listener has taken the head, and us with it, at most for d.
func (s *Sender) Wait(d time.Duration) error {
	for end := time.Now().Add(d); ; time.Sleep(5 * time.Millisecond) {
		s.serveHead()
		s.mu.Lock()
		taken, why := !s.takenAt.IsZero() && time.Since(s.takenAt) > settleTime, s.why
		s.mu.Unlock()
		switch {
		case taken:
			return nil
		case time.Now().Before(end):
		case why == "" || why == nobody:
			return fmt.Errorf("%s: nobody listened within %v", s.cfg.Address, d)
		default:
			return fmt.Errorf("%s: no listener within %v: %s", s.cfg.Address, d, why)
		}
	}
}

// Write queues an event; st is as the event has left it.
func (s *Sender) Write(ev *event.Event, st *state.State) error {
	s.st, s.snap = st, nil
	s.total++
	limit, need := s.cfg.Buffer, len(ev.Bytes())+blockRoom
	if s.gap > 0 {
		limit /= 2 // so that gaps are few, and snapshots with them
	}
	if s.pending()+need > limit {
		if ok, err := s.makeRoom(need, limit); !ok {
			return err
		}
	}
	if s.stale || s.gap > 0 { // in a gap any name may have changed
		s.w.Section(st.Snapshot())
		s.stale = false
	}
	if s.gap > 0 {
		s.closeGap(ev.TS())
	}
	if err := s.put(ev); err != nil {
		return err
	}
	s.serveHead()
	return nil
}

// blockRoom is what an event has around it in a stream, at most: bytes.
const blockRoom = 32

func (s *Sender) put(ev *event.Event) error {
	s.inW++
	if err := s.w.WriteEvent(ev); err != nil || s.w.Buffered() < s.cfg.Buffer/4 {
		return err
	}
	return s.w.Flush()
}

// pending returns how many bytes wait to be sent.
func (s *Sender) pending() int { return int(s.queued.Load()) + s.w.Buffered() }

// makeRoom does what the policy says about an event that has no room. ok reports
// that there is room now.
func (s *Sender) makeRoom(need, limit int) (ok bool, err error) {
	s.mu.Lock()
	why, count := noRoom, &s.stats.NoRoom
	if !s.connected {
		why, count = noListener, &s.stats.NoListener
	}
	s.mu.Unlock()
	switch s.cfg.Full {
	case Exit:
		return false, ErrFull
	case Block:
		if s.waitForRoom(need, limit) {
			return true, nil
		}
	}
	s.mu.Lock()
	*count++
	s.mu.Unlock()
	s.gap++
	s.gapWhy = why
	return false, nil
}

// Reasons for drops.
const (
	noRoom     = "the listener was too slow for --stream-buffer"
	noListener = "nobody listened, and --stream-buffer was full"
)

// Restart makes the state precede the next event: it has changed by more than events
// tell.
func (s *Sender) Restart() { s.stale = true }

// closeGap tells of the dropped events.
func (s *Sender) closeGap(ts uint64) {
	marker(&s.builder, &s.mark, ts, dropMarker, dropText(s.gap, s.gapWhy))
	if s.w.WriteEvent(&s.mark) == nil {
		s.gap = 0
	}
}

// Flush queues what is in the buffer of the writer.
func (s *Sender) Flush() error { return s.w.Flush() }

// Tick answers a connection that waits for a head; st is as the last event has left
// it.
func (s *Sender) Tick(st *state.State) error {
	s.st, s.snap = st, nil
	s.serveHead()
	return nil
}

func (s *Sender) serveHead() {
	if s.wantHead.Load() {
		s.makeHead()
	}
}

// makeHead makes the head for the next connection: all that is known now.
func (s *Sender) makeHead() {
	snap := s.snap
	if s.st != nil {
		snap = s.st.Snapshot()
	}
	var b bytes.Buffer
	w := capture.Continue(&b, s.opts)
	w.Section(snap)
	marker(&s.builder, &s.mark, uint64(time.Now().UnixNano()), headMarker, "")
	s.mark.Flags = event.StateOnly
	if w.WriteEvent(&s.mark) != nil || w.Flush() != nil {
		return // a bytes.Buffer does not fail
	}
	s.mu.Lock()
	s.head = b.Bytes()
	s.wantHead.Store(false)
	s.cond.Broadcast()
	s.mu.Unlock()
}

// Close sends what waits, and returns what became of all events. It gives up when nothing
// moves any more; under Block only once Hurry was called. Under Exit lost events are an
// error.
func (s *Sender) Close() (SenderStats, error) {
	_ = s.w.Flush() // a queue does not fail
	s.mu.Lock()
	s.over = true
	s.cond.Broadcast()
	s.mu.Unlock()
	s.await()
	s.cancel()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.queue {
		s.stats.NoListener += c.events
	}
	s.queue = nil
	s.stats.Sent = s.sent.Load()
	if d := s.stats.Dropped(); d > 0 && s.cfg.Full == Exit {
		return s.stats, fmt.Errorf("%s: %d events were not sent", s.cfg.Address, d)
	}
	return s.stats, nil
}

// Report returns the counters as one line, empty if nothing was dropped.
func (s *Sender) Report(st SenderStats) string {
	if st.Dropped() == 0 {
		return ""
	}
	line := fmt.Sprintf("%s: %d of %d events were dropped:", s.cfg.Address, st.Dropped(), s.total)
	for _, r := range []struct {
		n   uint64
		why string
	}{{st.NoRoom, noRoom}, {st.NoListener, "nobody listened"}, {st.Refused, "the listener refused us"}} {
		if r.n > 0 {
			line += fmt.Sprintf(" %d (%s)", r.n, r.why)
		}
	}
	return line
}
