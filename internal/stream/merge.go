package stream

import (
	"container/heap"
	"encoding/binary"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lannerhq/lanner/kernel/event"
)

var order = binary.LittleEndian

// hold is how long an event may wait for earlier ones of other tracers, which send
// what they have every 100 ms.
const hold = 200 * time.Millisecond

// overdue is how long an event may wait at most, where others keep coming that claim to
// be earlier: clocks differ, and a tracer may lie.
const overdue = time.Second

// A merger puts the events of tracers into the order of time: the earliest goes
// first once each tracer has one, or it has waited long enough, or the queues fill
// up. One that has waited much longer goes first in any case.
type merger struct {
	spaces
	peers []*peer // all that are known
	ready byTime  // those that have an event
	now   time.Time
	timer *time.Timer

	lastTS uint64
	events atomic.Uint64
	late   atomic.Uint64
	spent  bool // a peer has run out of events
}

func (m *merger) init() {
	m.spaces.init()
	m.timer = time.NewTimer(time.Hour)
}

// byTime is a heap of peers, the one with the earliest event first.
type byTime []*peer

func (h byTime) Len() int { return len(h) }
func (h byTime) Less(i, j int) bool {
	if h[i].overdue != h[j].overdue {
		return h[i].overdue
	}
	return h[i].ts < h[j].ts
}
func (h byTime) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(x any)   { *h = append(*h, x.(*peer)) }
func (h *byTime) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return p
}

// ReadInto implements event.Source. It waits until there is an event or the server
// has been closed.
func (s *Server) ReadInto(ev *event.Event) error {
	m := &s.merge
	for {
		if m.spent || s.arrived.Load() {
			if more := s.refill(); !more && len(m.peers) == 0 {
				return io.EOF
			}
			if m.spent { // by a head alone: there may be more behind it
				continue
			}
		}
		if len(m.ready) > 0 && (len(m.ready) == len(m.peers) || s.waited()) {
			m.take(ev)
			return nil
		}
		s.wait()
	}
}

// waited reports whether the earliest event has waited long enough.
func (s *Server) waited() bool {
	m := &s.merge
	if s.crowded.Load() {
		return true
	}
	until := m.ready[0].cur.at.Add(hold)
	if !m.now.Before(until) {
		return true
	}
	m.now = time.Now()
	return !m.now.Before(until)
}

// wait waits for something to look at.
func (s *Server) wait() {
	m := &s.merge
	d := time.Hour
	if len(m.ready) > 0 {
		d = max(time.Until(m.ready[0].cur.at.Add(hold)), time.Millisecond)
	}
	m.timer.Reset(d)
	select {
	case <-s.wake:
	case <-m.timer.C:
	}
}

// take takes the earliest event.
func (m *merger) take(ev *event.Event) {
	p := m.ready[0]
	b := p.cur.buf[p.off:]
	n, err := ev.Parse(b[frontSize:])
	if err != nil {
		panic(err) // the receiver has parsed it
	}
	ev.CPU, ev.Flags = order.Uint16(b), event.Flags(order.Uint32(b[2:]))
	if p.ts < m.lastTS {
		m.late.Add(1)
	}
	m.lastTS = max(m.lastTS, p.ts)
	m.events.Add(1)
	m.move(p.t, ev)
	p.off += frontSize + n
	if p.off == len(p.cur.buf) {
		p.cur.buf, p.overdue = nil, false
		m.spent = true
		heap.Pop(&m.ready)
		return
	}
	p.ts = order.Uint64(p.cur.buf[p.off+frontSize:])
	heap.Fix(&m.ready, 0)
}

// refill gives peers without an event their next batch, and lets those leave of which
// nothing more will come. more reports that others may join.
func (s *Server) refill() (more bool) {
	m := &s.merge
	m.spent = false
	var got, left []*peer
	s.mu.Lock()
	s.arrived.Store(false)
	for _, p := range s.joining {
		p.t.Base = m.join(p.t, 0).base
		m.peers = append(m.peers, p)
	}
	s.joining = nil
	m.peers = slices.DeleteFunc(m.peers, func(p *peer) bool {
		switch {
		case p.cur.buf != nil:
		case len(p.queue) > 0:
			p.cur, p.off = p.queue[0], 0
			p.queue[0] = batch{}
			p.queue = p.queue[1:]
			p.bytes -= cap(p.cur.buf)
			s.bytes -= cap(p.cur.buf)
			got = append(got, p)
		case p.ended:
			left = append(left, p)
			return true
		}
		return false
	})
	more = !s.closed || len(s.open) > 0
	s.crowded.Store(s.bytes > maxQueues/2 || slices.ContainsFunc(m.peers, func(p *peer) bool { return p.bytes > maxQueue/2 }))
	s.room.Broadcast()
	s.mu.Unlock()
	for _, p := range got {
		s.admit(p)
	}
	m.now = time.Now()
	for i, p := range m.ready {
		if !p.overdue && m.now.Sub(p.cur.at) > overdue {
			p.overdue = true
			heap.Fix(&m.ready, i)
		}
	}
	for _, p := range left {
		gone := m.leave(p.t)
		s.heads.Add(-p.head)
		if s.cfg.Leave != nil {
			s.cfg.Leave(p.t, gone)
		}
	}
	return more
}

// admit takes over a batch.
func (s *Server) admit(p *peer) {
	if snap := p.cur.snap; snap != nil {
		p.cur.snap = nil
		s.merge.moveSnapshot(p.t, snap)
		if s.cfg.Join != nil {
			s.cfg.Join(p.t, snap)
		}
	}
	if len(p.cur.buf) == 0 { // the head alone
		p.cur.buf = nil
		s.merge.spent = true
		return
	}
	p.ts = order.Uint64(p.cur.buf[frontSize:])
	heap.Push(&s.merge.ready, p)
}
