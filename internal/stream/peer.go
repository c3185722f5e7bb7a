package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// limits bound what a tracer makes the server keep.
var limits = capture.Limits{Head: 64 << 20, Event: 1 << 20, Threads: 1 << 17, FDs: 1 << 20, Entries: 1 << 16}

const (
	maxHeads  = 256 << 20 // bytes of the newest heads of all tracers
	batchSize = 1 << 16   // bytes of events handed over at once
	// Bytes in a tracer's queue and in all of them, beyond which tracers wait.
	// ReadInto stops waiting for slower tracers at half of either.
	maxQueue  = 1 << 20
	maxQueues = 8 << 20
)

// A peer is a tracer's connection on its way to the merger.
type peer struct {
	t    *Tracer
	conn net.Conn

	// Under the server's lock.
	queue []batch
	bytes int  // in queue
	known bool // the merger will hear of it
	ended bool // nothing more will come

	head int64 // bytes of the newest head; of the receiver, then of the merger

	// Of the merger: the batch that events are taken from, none without a buf.
	cur batch
	off int    // in cur
	ts  uint64 // of the next event, ns

	overdue bool // the batch has waited too long
}

// A batch is some events of a tracer, each behind its CPU (2 bytes) and flags (4).
type batch struct {
	snap *snapshot.State // what there is before them, nil if nothing changed
	buf  []byte
	at   time.Time // when it was received
}

// frontSize is what stands in front of each event in a batch: bytes.
const frontSize = 6

// receive serves a connection until it ends.
func (s *Server) receive(conn net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.open, conn)
		s.mu.Unlock()
		conn.Close()
	}()
	p := &peer{conn: conn, t: &Tracer{From: from(conn)}}
	p.t.peer = p
	_ = conn.SetDeadline(time.Now().Add(s.cfg.headTime))
	counted := new(counter)
	rd, err := s.greet(p, counted)
	if err != nil {
		s.reject(p, err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	s.notice("%s connected", p.t)
	err = s.relay(p, rd, counted)
	s.mu.Lock()
	p.ended = true
	closed := s.closed
	if err != nil {
		s.stats.Refused++
	}
	s.mu.Unlock()
	s.poke()
	_, cut := rd.Truncated()
	switch {
	case closed:
	case err != nil:
		refuse(conn, err.Error())
		s.notice("%s closed: %v", p.t, err)
	case cut:
		s.notice("%s went away in the middle of an event", p.t)
	default:
		s.notice("%s ended", p.t)
	}
}

// reject closes a connection that is none of a tracer.
func (s *Server) reject(p *peer, err error) {
	s.mu.Lock()
	closed := s.closed
	s.stats.Refused++
	s.mu.Unlock()
	if closed || err == errProbe {
		return
	}
	refuse(p.conn, err.Error())
	s.mu.Lock()
	kept, told := s.hushed.allow(time.Now())
	s.mu.Unlock()
	switch {
	case told && kept > 0:
		s.notice("a connection from %s closed: %v (and %d others before it)", p.t.From, err, kept)
	case told:
		s.notice("a connection from %s closed: %v", p.t.From, err)
	}
}

// greet checks the token and reads the head.
func (s *Server) greet(p *peer, in *counter) (*capture.Reader, error) {
	in.r = p.conn
	rd, err := s.introduce(p, in)
	if e := net.Error(nil); errors.As(err, &e) && e.Timeout() {
		return nil, fmt.Errorf("it did not say who it is within %v", s.cfg.headTime)
	}
	if err != nil && in.n == 0 {
		return nil, errProbe
	}
	return rd, err
}

// errProbe is that of a connection over which nothing came: somebody wanted to know
// whether we listen.
var errProbe = errors.New("nothing came")

func (s *Server) introduce(p *peer, in *counter) (*capture.Reader, error) {
	if s.cfg.Token == nil {
		return s.join(p, in)
	}
	conn, err := s.cfg.Token.respond(counted{p.conn, in})
	if errors.Is(err, errWrongToken) {
		return nil, errNoToken
	}
	if err != nil {
		return nil, err
	}
	p.conn = conn
	return s.join(p, conn)
}

// join reads the head and the marker behind it.
func (s *Server) join(p *peer, in io.Reader) (*capture.Reader, error) {
	rd, err := capture.NewStreamReader(in, limits)
	if err != nil {
		return nil, err
	}
	if p.t.Identity, err = parseIdentity(rd.Identity()); err != nil {
		return nil, err
	}
	if s.cfg.Only != spec.None && p.t.Profile != profileName(s.cfg.Only) {
		return nil, fmt.Errorf("its events are of edition %q and %s are wanted: start it with --profile %s",
			clean(p.t.Profile), profileName(s.cfg.Only), profileName(s.cfg.Only))
	}
	p.t.Host = clean(rd.State().Machine.Hostname)
	return rd, nil
}

// counter counts the bytes read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	in *counter
}

func (c counted) Read(b []byte) (int, error) { return c.in.Read(b) }

// relay moves events from the connection to the queue until it ends. An error is of
// what the tracer sent.
func (s *Server) relay(p *peer, rd *capture.Reader, in *counter) error {
	r := relay{s: s, p: p}
	if err := r.section(rd, in.n); err != nil {
		return err
	}
	section := rd.Section()
	var ev event.Event
	for {
		before := in.n
		if len(r.b.buf) > 0 && (len(r.b.buf) >= batchSize || !rd.Ready()) && !r.hand() {
			return nil
		}
		err := rd.ReadInto(&ev)
		if err == io.EOF || gone(err) {
			r.hand()
			return nil
		}
		if err != nil {
			r.hand()
			return err
		}
		if n := rd.Section(); n != section {
			section = n
			if len(r.b.buf) > 0 && !r.hand() {
				return nil
			}
			if err := r.section(rd, in.n-before); err != nil {
				return err
			}
		}
		if id, desc, ok := isMarker(&ev); ok {
			if id == headMarker {
				if !r.hand() { // also without events: the snapshot is to be known
					return nil
				}
				continue
			}
			p.t.Dropped += dropped(desc)
			s.mu.Lock()
			s.stats.Dropped += dropped(desc)
			s.mu.Unlock()
		}
		p.t.Events++
		r.add(&ev)
	}
}

// gone reports whether an error is of the connection, not of what came over it.
func gone(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || errors.Is(err, net.ErrClosed)
}

// A relay is the batch under construction of a peer.
type relay struct {
	s *Server
	p *peer
	b batch
}

// section takes over the snapshot of a section whose head has size bytes.
func (r *relay) section(rd *capture.Reader, size int64) error {
	if r.s.heads.Add(size-r.p.head) > maxHeads {
		r.s.heads.Add(r.p.head - size)
		return errors.New("all tracers together describe more than there is room for")
	}
	r.p.head = size
	r.b.snap = rd.TakeState()
	return nil
}

func (r *relay) add(ev *event.Event) {
	if r.b.buf == nil {
		r.b.buf = make([]byte, 0, batchSize+batchSize/4)
	}
	r.b.buf = binary.LittleEndian.AppendUint16(r.b.buf, ev.CPU)
	r.b.buf = binary.LittleEndian.AppendUint32(r.b.buf, uint32(ev.Flags))
	r.b.buf = append(r.b.buf, ev.Bytes()...)
}

// hand puts the batch into the queue, and waits while the queue is full. It reports
// false if the server is closing.
func (r *relay) hand() bool {
	if len(r.b.buf) == 0 && r.b.snap == nil {
		return true
	}
	s, p, b := r.s, r.p, r.b
	r.b = batch{}
	b.at = time.Now()
	if len(b.buf) < cap(b.buf)/2 {
		small := append([]byte(nil), b.buf...)
		r.b.buf, b.buf = b.buf[:0], small
	}
	size := cap(b.buf)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.bytes+size > maxQueue/2 || s.bytes+size > maxQueues/2 {
		s.crowded.Store(true)
	}
	// Of snapshots, which may be large, one waits at a time.
	for !s.closed && len(p.queue) > 0 && (b.snap != nil || p.bytes+size > maxQueue || s.bytes+size > maxQueues) {
		s.room.Wait()
	}
	if !p.known {
		p.known = true
		s.stats.Tracers++
		s.joining = append(s.joining, p)
	}
	p.queue = append(p.queue, b)
	p.bytes += size
	s.bytes += size
	s.poke()
	return !s.closed
}

// String describes a tracer in a notice.
func (t *Tracer) String() string {
	var b strings.Builder
	b.WriteString("tracer")
	if t.PID > 0 {
		fmt.Fprintf(&b, " %d", t.PID)
	}
	if t.Host != "" {
		fmt.Fprintf(&b, " of %s", t.Host)
	}
	if t.Container != "" {
		id := clean(t.Container)
		fmt.Fprintf(&b, ", container %s,", id[:min(len(id), 12)])
	}
	fmt.Fprintf(&b, " (%s)", t.From)
	return b.String()
}

// clean makes text of a peer fit for a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func from(conn net.Conn) string {
	if a := conn.RemoteAddr(); a != nil && a.Network() == "tcp" {
		return a.String()
	}
	return "unix"
}
