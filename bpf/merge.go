package bpf

// A merger hands out the records of several ring buffers by time.
//
// A thread that moves to another CPU leaves its earlier events in one buffer and its
// later ones in another. Whoever looks at the buffers one after the other may see the
// later ones only. So look goes round twice: all events that precede one seen the
// first time are there the second time. Those of the first round are due; they are
// handed out by time among those of the second, and then both rounds begin anew.
type merger struct {
	rings []buffer
	live  []buffer // those that have records, in no order
	due   int      // of live, those that still have records that are due
	last  buffer   // whose record next has returned
}

// A buffer is one of several that records are read from.
type buffer interface {
	view() *window
	produced() uint64 // how far the kernel has come, records under way included
	free()            // gives what was read back to the kernel
	peek() bool       // makes ts that of the next record; false: there is none before end
	take() []byte     // returns the record at pos, which peek has seen, and moves behind it
	close()
}

// A window is what is being read of a buffer. Positions count bytes and only grow.
type window struct {
	mask  uint64 // bytes of the buffer - 1
	pos   uint64 // of the next record
	freed uint64 // what the kernel knows of pos
	due   uint64 // records before it are to be read before new ones are looked for
	end   uint64 // records before it may be read
	ts    uint64 // of the record at pos, ns since the epoch; valid if there is one
}

// look finds out what there is to read. It returns false if there is nothing.
func (m *merger) look() bool {
	for _, r := range m.rings {
		r.free()
		r.view().due = r.produced()
	}
	m.live, m.due = m.live[:0], 0
	for _, r := range m.rings {
		w := r.view()
		w.end = r.produced()
		if !r.peek() {
			continue
		}
		m.live = append(m.live, r)
		if w.pos < w.due {
			m.due++
		}
	}
	return m.due > 0
}

// next returns the oldest record, nil if there is none. It is valid until the next
// call.
func (m *merger) next() []byte {
	if m.due == 0 && !m.look() {
		return nil
	}
	oldest, w := 0, m.live[0].view()
	for i := 1; i < len(m.live); i++ {
		if v := m.live[i].view(); v.ts < w.ts {
			oldest, w = i, v
		}
	}
	r := m.live[oldest]
	m.last = r
	if w.pos-w.freed > w.mask/8 {
		r.free() // long before the buffer is full
	}
	wasDue := w.pos < w.due
	record := r.take()
	more := r.peek()
	if wasDue && (!more || w.pos >= w.due) {
		m.due--
	}
	if !more {
		last := len(m.live) - 1
		m.live[oldest] = m.live[last]
		m.live = m.live[:last]
	}
	return record
}

func (m *merger) close() {
	for _, r := range m.rings {
		r.close()
	}
	*m = merger{}
}
