package driver

// A Merger hands out the records of several buffers by time.
//
// A thread that moves to another CPU leaves its earlier events in one buffer and its
// later ones in another. Whoever looks at the buffers one after the other may see the
// later ones only. So Look goes round twice: all events that precede one seen the
// first time are there the second time. Those of the first round are due; they are
// handed out by time among those of the second, and then both rounds begin anew.
type Merger struct {
	Buffers []Buffer
	live    []view // those that have records, in no order
	due     int    // of live, those that still have records that are due
}

// A view is a buffer with its window, which is looked at for each record of any.
type view struct {
	b Buffer
	w *Window
}

// A Buffer is one of several that records are read from.
type Buffer interface {
	View() *Window
	Produced() uint64 // how far the kernel has come, records under way included
	Free()            // gives what was read back to the kernel
	Peek() bool       // makes TS that of the next record; false: there is none before End
	Take() []byte     // returns the record at Pos, which Peek has seen, and moves behind it
	Close()
}

// A Window is what is being read of a Buffer. Positions count bytes and only grow.
type Window struct {
	Mask  uint64 // bytes of the buffer - 1
	Pos   uint64 // of the next record
	Freed uint64 // what the kernel knows of Pos
	End   uint64 // records before it may be read
	TS    uint64 // of the record at Pos, ns since the epoch; valid if there is one
	due   uint64 // records before it are to be read before new ones are looked for
}

// View makes what embeds a window a Buffer with it.
func (w *Window) View() *Window { return w }

// Look finds out what there is to read. It returns false if there is nothing.
func (m *Merger) Look() bool {
	for _, b := range m.Buffers {
		b.Free()
		b.View().due = b.Produced()
	}
	m.live, m.due = m.live[:0], 0
	for _, b := range m.Buffers {
		w := b.View()
		w.End = b.Produced()
		if !b.Peek() {
			continue
		}
		m.live = append(m.live, view{b, w})
		if w.Pos < w.due {
			m.due++
		}
	}
	return m.due > 0
}

// Next returns the oldest record and where it is from, nil if there is none. It is valid
// until the next call.
func (m *Merger) Next() ([]byte, Buffer) {
	if m.due == 0 && !m.Look() {
		return nil, nil
	}
	oldest, w := 0, m.live[0].w
	for i := 1; i < len(m.live); i++ {
		if v := m.live[i].w; v.TS < w.TS {
			oldest, w = i, v
		}
	}
	b := m.live[oldest].b
	if w.Pos-w.Freed > w.Mask/8 {
		b.Free() // long before the buffer is full
	}
	wasDue := w.Pos < w.due
	record := b.Take()
	more := b.Peek()
	if wasDue && (!more || w.Pos >= w.due) {
		m.due--
	}
	if !more {
		last := len(m.live) - 1
		m.live[oldest] = m.live[last]
		m.live = m.live[:last]
	}
	return record, b
}

// Close closes the buffers.
func (m *Merger) Close() {
	for _, b := range m.Buffers {
		b.Close()
	}
	*m = Merger{}
}
