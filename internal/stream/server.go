package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// ServerConfig says how to receive.
type ServerConfig struct {
	Address Address
	Token   *Token      // nil for none
	Mode    fs.FileMode // of a Unix socket; 0 is 0600

	// Only refuses tracers of another edition; None takes all.
	Only spec.Profile

	// Join is called by ReadInto before it returns the first event of a tracer, and
	// again when the tracer describes anew what there is. Thread ids in snap are as
	// in the events. The snapshot is the callee's from then on.
	Join func(t *Tracer, snap *snapshot.State)
	// Leave is called by ReadInto behind the last event of a tracer. gone has, as in
	// Base, the PID namespaces of which no other tracer is left: no event will come of
	// their threads, unless one joins again.
	Leave func(t *Tracer, gone []int64)
	// Notice is told of tracers in one line each, from any goroutine.
	Notice func(line string)

	headTime time.Duration // for the handshake and the first head; 0 is 10 s
}

// A Tracer is one connection of a tracer.
type Tracer struct {
	Identity
	Host string // as the machine calls itself
	From string // where it connected from: an address, or "unix"
	// Base is what is added to its thread ids, in the high 32 bits: 0 for a tracer
	// in the PID namespace of the server, else the same for all of one namespace. Ids
	// that have such a number already, of a server that is a tracer, get another.
	Base int64

	Events  uint64 // received; valid in Leave
	Dropped uint64 // that it says it dropped; valid in Leave

	spaces map[int64]*space // by their number in its ids, 0 for its own
	peer   *peer
}

// Stats counts what a Server did.
type Stats struct {
	Tracers uint64 // connections that were taken
	Refused uint64 // connections that were not, or were closed for what they sent
	Events  uint64 // returned by ReadInto
	Dropped uint64 // that tracers say they dropped
	Late    uint64 // returned behind a later one
}

// MaxTracers is how many tracers a server takes at the same time.
const MaxTracers = 512

// A Server receives events of tracers. It is an event.Source.
type Server struct {
	cfg  ServerConfig
	l    net.Listener
	wake chan struct{} // something for ReadInto to look at; of capacity 1

	conns   sync.WaitGroup
	heads   atomic.Int64 // bytes of the newest heads of all tracers
	arrived atomic.Bool  // a queue got longer, a tracer came or went
	crowded atomic.Bool  // queues fill up: slower tracers are not waited for

	mu      sync.Mutex // of all below
	room    sync.Cond  // a queue got shorter
	open    map[net.Conn]bool
	joining []*peer // not yet known to the merger
	bytes   int     // in all queues
	closed  bool
	stats   Stats
	hushed  hush

	merge merger // of the goroutine that calls ReadInto
}

// Listen starts to receive.
func Listen(cfg ServerConfig) (*Server, error) {
	if err := cfg.Address.check(cfg.Token); err != nil {
		return nil, err
	}
	cfg.Mode, cfg.headTime = cmp.Or(cfg.Mode, 0o600), cmp.Or(cfg.headTime, 10*time.Second)
	l, err := cfg.Address.listen(cfg.Mode)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, l: l, wake: make(chan struct{}, 1), open: make(map[net.Conn]bool)}
	s.room.L = &s.mu
	s.merge.init()
	s.notice("listening at %s", s.Address())
	s.conns.Go(s.accept)
	return s, nil
}

// Address returns where the server listens: with the port that it got for port 0.
func (s *Server) Address() Address { return Address{s.cfg.Address.network, s.l.Addr().String()} }

// Close ends the server: no tracer is taken any more and connections are closed.
// ReadInto returns what has been received, then io.EOF.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.open {
		conn.Close()
	}
	s.room.Broadcast()
	s.mu.Unlock()
	s.l.Close() // removes a Unix socket
	s.conns.Wait()
	s.poke()
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Events, st.Late = s.merge.events.Load(), s.merge.late.Load()
	return st
}

// poke makes ReadInto look.
func (s *Server) poke() {
	s.arrived.Store(true)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Server) notice(format string, args ...any) {
	if s.cfg.Notice != nil {
		s.cfg.Notice(fmt.Sprintf(format, args...))
	}
}

// A hush keeps lines of connections that were not taken from becoming too many.
type hush struct {
	begun time.Time // of the period
	lines int       // in it
	kept  int       // not told of
}

// Of the lines of a period, the first are told.
const hushPeriod, hushLines = 10 * time.Second, 20

// allow reports whether a line is told now, and how many were not before it.
func (h *hush) allow(now time.Time) (kept int, ok bool) {
	if now.Sub(h.begun) > hushPeriod {
		h.begun, h.lines = now, 0
	}
	if h.lines++; h.lines > hushLines {
		h.kept++
		return 0, false
	}
	kept, h.kept = h.kept, 0
	return kept, true
}

// accept takes connections until Close.
func (s *Server) accept() {
	for pause := time.Duration(0); ; time.Sleep(pause) {
		conn, err := s.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: it may pass
			s.notice("%s: %v", s.cfg.Address, err)
			pause = time.Second
			continue
		}
		pause = 0
		s.mu.Lock()
		switch {
		case s.closed:
			conn.Close()
		case len(s.open) >= MaxTracers:
			s.stats.Refused++
			go func() { // not to wait for it
				refuse(conn, fmt.Sprintf("there are %d tracers already", MaxTracers))
				conn.Close()
			}()
		default:
			s.open[conn] = true
			s.conns.Go(func() { s.receive(conn) })
		}
		s.mu.Unlock()
	}
}
