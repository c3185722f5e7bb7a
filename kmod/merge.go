package kmod

// A merger hands out the events of several rings by time.
//
// A thread that moves to another CPU leaves its earlier events in one ring and its later
// ones in another. Whoever looks at the rings one after the other may see the later ones
// only. So look goes round twice: all events that precede one seen the first time are
// there the second time. Those of the first round are due; they are handed out by time
// among those of the second, and then both rounds begin anew.
type merger struct {
	rings []*ring
	live  []*ring // those that have events, in no order
	due   int     // of live, those that still have events that are due
}

// look finds out what there is to read. It returns false if there is nothing.
func (m *merger) look() bool {
	for _, r := range m.rings {
		r.free()
		r.due = r.produced()
	}
	m.live, m.due = m.live[:0], 0
	for _, r := range m.rings {
		r.end = r.produced()
		if !r.peek() {
			continue
		}
		m.live = append(m.live, r)
		if r.pos < r.due {
			m.due++
		}
	}
	return m.due > 0
}

// next returns the oldest event and its ring, nil if there is none. The event is valid
// until the next call.
func (m *merger) next() ([]byte, *ring) {
	if m.due == 0 && !m.look() {
		return nil, nil
	}
	oldest := 0
	for i := 1; i < len(m.live); i++ {
		if m.live[i].ts < m.live[oldest].ts {
			oldest = i
		}
	}
	r := m.live[oldest]
	wasDue := r.pos < r.due
	if r.pos-r.freed > r.mask/8 {
		r.free() // long before the buffer is full
	}
	event := r.take()
	more := r.peek()
	if wasDue && (!more || r.pos >= r.due) {
		m.due--
	}
	if !more {
		last := len(m.live) - 1
		m.live[oldest] = m.live[last]
		m.live = m.live[:last]
	}
	return event, r
}

// err returns what is wrong with a ring.
func (m *merger) err() error {
	for _, r := range m.rings {
		if r.err != nil {
			return r.err
		}
	}
	return nil
}
