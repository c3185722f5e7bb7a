package event

// A Builder lays out events one behind the other, reusing its memory. Each
// event is Begin, one Put for each parameter, End.
//
// The zero Builder is ready. Precondition of every Put: it is between Begin and
// End, and not called more often than the event has parameters.
type Builder struct {
	buf   []byte
	start int // of the event under construction
	lens  int // offset of the next length
	first int // offset of the first value
	wide  bool
}

// Begin starts an event with n parameters.
func (b *Builder) Begin(t Type, ts uint64, tid int64, n int) {
	b.start = len(b.buf)
	b.wide = t.large()
	b.lens = b.start + HeaderSize
	b.buf = order.AppendUint64(b.buf, ts)
	b.buf = order.AppendUint64(b.buf, uint64(tid))
	b.buf = order.AppendUint32(b.buf, 0)
	b.buf = order.AppendUint16(b.buf, uint16(t))
	b.buf = order.AppendUint32(b.buf, uint32(n))
	for range n {
		b.buf = append(b.buf, 0, 0)
		if b.wide {
			b.buf = append(b.buf, 0, 0)
		}
	}
	b.first = len(b.buf)
}

// End completes the event and returns its bytes, valid until the next Reset.
func (b *Builder) End() []byte {
	order.PutUint32(b.buf[b.start+16:], uint32(len(b.buf)-b.start))
	return b.buf[b.start:]
}

// Abort takes back the event under construction.
func (b *Builder) Abort() { b.buf = b.buf[:b.start] }

// Missing returns how many parameters still lack a value.
func (b *Builder) Missing() int {
	n := b.first - b.lens
	if b.wide {
		return n / 4
	}
	return n / 2
}

// Bytes returns all completed events since Reset, valid until the next Reset.
func (b *Builder) Bytes() []byte { return b.buf }

// Reset forgets all events and keeps the memory.
func (b *Builder) Reset() { b.buf = b.buf[:0] }

func (b *Builder) length(n int) {
	if b.wide {
		order.PutUint32(b.buf[b.lens:], uint32(n))
		b.lens += 4
		return
	}
	order.PutUint16(b.buf[b.lens:], uint16(n))
	b.lens += 2
}

// PutInt appends the low size bytes of v (1, 2, 4 or 8).
func (b *Builder) PutInt(size int, v uint64) {
	switch size {
	case 1:
		b.buf = append(b.buf, byte(v))
	case 2:
		b.buf = order.AppendUint16(b.buf, uint16(v))
	case 4:
		b.buf = order.AppendUint32(b.buf, uint32(v))
	default:
		b.buf = order.AppendUint64(b.buf, v)
		size = 8
	}
	b.length(size)
}

// PutU8 appends 1 byte.
func (b *Builder) PutU8(v uint8) { b.PutInt(1, uint64(v)) }

// PutU16 appends 2 bytes.
func (b *Builder) PutU16(v uint16) { b.PutInt(2, uint64(v)) }

// PutU32 appends 4 bytes.
func (b *Builder) PutU32(v uint32) { b.PutInt(4, uint64(v)) }

// PutU64 appends 8 bytes.
func (b *Builder) PutU64(v uint64) { b.PutInt(8, v) }

// PutS64 appends 8 bytes.
func (b *Builder) PutS64(v int64) { b.PutInt(8, uint64(v)) }

// PutString appends s and a NUL, cut to what a parameter may hold.
func (b *Builder) PutString(s string) {
	if len(s) >= MaxParamLen && !b.wide {
		s = s[:MaxParamLen-1]
	}
	b.buf = append(append(b.buf, s...), 0)
	b.length(len(s) + 1)
}

// PutBytes appends p, cut to what a parameter may hold.
func (b *Builder) PutBytes(p []byte) {
	if len(p) > MaxParamLen && !b.wide {
		p = p[:MaxParamLen]
	}
	b.buf = append(b.buf, p...)
	b.length(len(p))
}

// PutEmpty appends a value of length 0: not available.
func (b *Builder) PutEmpty() { b.length(0) }

// Room returns n bytes behind the event for a value that is read in place;
// Commit makes the first of them the parameter's value.
func (b *Builder) Room(n int) []byte {
	for cap(b.buf)-len(b.buf) < n {
		b.buf = append(b.buf[:cap(b.buf)], 0)[:len(b.buf)]
	}
	return b.buf[len(b.buf) : len(b.buf)+n]
}

// Commit appends the first n bytes that Room returned, cut to what a parameter
// may hold.
func (b *Builder) Commit(n int) {
	if n > MaxParamLen && !b.wide {
		n = MaxParamLen
	}
	b.buf = b.buf[:len(b.buf)+n]
	b.length(n)
}
