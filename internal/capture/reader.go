package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

// Limits of what a Reader keeps in memory, whatever its input claims. Bytes are
// only ever set aside once they have been read.
type Limits struct {
	Head    int64 // bytes in front of the events of one section
	Event   int   // bytes of one event block's body
	Threads int   // of one section
	FDs     int   // of one section
	Entries int   // users, groups or interfaces of one section
}

// fileLimits are those for files, which a user has chosen to read.
var fileLimits = Limits{Head: 1 << 40, Event: event.MaxLen + 1<<6, Threads: 1 << 20, FDs: 1 << 21, Entries: 1 << 20}

const (
	maxListBody = 1 << 28        // bytes of one list
	maxIdentity = 1 << 12        // bytes
	smallBody   = smallEvent - 4 // bytes of the body of a block that is not large
	readStep    = 1 << 16        // bytes set aside ahead of reading
	headerSize  = frame - 4      // of a block
	minTotal    = frame          // length of an empty block
)

// A DamageError says where a file stops being a capture.
type DamageError struct {
	Offset int64 // bytes from the start, of a compressed file those it holds
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("read capture: damaged at offset %d: %s", e.Offset, e.Reason)
}

// A Reader reads a capture. It is an event.Source.
type Reader struct {
	in     *bufio.Reader
	closer io.Closer // nil if the caller's
	off    int64     // bytes taken from in

	limits   Limits
	state    *snapshot.State
	identity []byte
	headLeft int64 // bytes that the section's head may still have
	section  int
	threads  map[int64]int // index in state.Threads by tid
	numFDs   int

	// The block whose header has been read.
	kind  blockType
	left  int   // bytes of its body that have not been read
	at    int64 // its offset
	total uint32
	held  bool // it is yet to be read as an event

	fixed   [headerSize]byte // its header or its trailer
	buf     []byte           // its body
	v2      []byte           // an event of version 1 in the layout of version 2
	cut     bool
	cutAt   int64
	skipped uint64
	err     error // returned from now on
}

// Open opens a capture file; Close closes it.
func Open(name string) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

// NewReader reads the head of a capture, compressed or not, up to the first
// event.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		gz, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("read capture: %w", err)
		}
		in = bufio.NewReaderSize(gz, 1<<16)
	}
	return newReader(in, fileLimits)
}

// NewStreamReader reads the head of a capture that comes from a peer which is not
// trusted. It must not be compressed.
func NewStreamReader(r io.Reader, limits Limits) (*Reader, error) {
	return newReader(bufio.NewReaderSize(r, 1<<16), limits)
}

func newReader(in *bufio.Reader, limits Limits) (*Reader, error) {
	c := &Reader{in: in, limits: limits}
	c.err = c.open()
	switch {
	case c.err == nil || c.err == io.EOF && c.state != nil:
		return c, nil // io.EOF: without events, or cut before the first
	case c.err == io.EOF:
		return nil, errors.New("read capture: no section header")
	}
	return nil, c.err
}

// Close closes the file, if the reader opened it.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Progress returns how many bytes of the file have been read and how many it has;
// zeros unless it is a regular file that the reader opened. It may be called from any
// goroutine.
func (r *Reader) Progress() (read, size int64) {
	f, ok := r.closer.(*os.File)
	if !ok {
		return 0, 0
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return 0, 0
	}
	if read, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, 0
	}
	return read, st.Size()
}

// State returns what precedes the events of the section being read. A file may
// have several sections, put one behind the other; ReadInto has passed into the
// next when Section has changed.
func (r *Reader) State() *snapshot.State { return r.state }

// TakeState is State for a caller that keeps it: the reader forgets it.
func (r *Reader) TakeState() *snapshot.State {
	st := r.state
	r.state, r.threads = new(snapshot.State), nil
	return st
}

// Identity returns what the writer of the section says of itself, nil if nothing.
func (r *Reader) Identity() []byte { return r.identity }

// Ready reports whether the next event has arrived as a whole, so that ReadInto
// would not wait for it.
func (r *Reader) Ready() bool {
	if r.held || r.err != nil || r.in.Buffered() < headerSize {
		return r.err != nil // the rest of a held block may be missing
	}
	h, err := r.in.Peek(headerSize)
	return err == nil && blockType(order.Uint32(h)).event() && uint64(order.Uint32(h[4:])) <= uint64(r.in.Buffered())
}

// Section returns the number of the section being read, from 0.
func (r *Reader) Section() int { return r.section }

// Truncated reports whether the file ended in the middle of a block, and the
// offset of that block. It is known once ReadInto has returned io.EOF.
func (r *Reader) Truncated() (offset int64, cut bool) { return r.cutAt, r.cut }

// Skipped returns how many events had a type that this contract does not have.
func (r *Reader) Skipped() uint64 { return r.skipped }

// open reads a section header and what follows it up to an event, whose block
// is then held. Sections without events are passed over.
func (r *Reader) open() error {
	if !r.held {
		if err := r.header(); err != nil {
			return err
		}
	}
	r.held = false
	if r.kind != sectionHeader {
		return r.damage("a block of type %#x, not a section header", uint32(r.kind))
	}
	for !r.kind.event() {
		read := r.head
		if r.kind == sectionHeader {
			read = r.sectionHeader
		}
		if err := read(); err != nil {
			return err
		}
		if err := r.header(); err != nil {
			return err
		}
	}
	r.held = true
	return nil
}

// ReadInto implements event.Source. A file that ends in the middle of a block
// ends with io.EOF: see Truncated. Other damage is a *DamageError.
func (r *Reader) ReadInto(ev *event.Event) error {
	for {
		if r.err != nil {
			return r.err
		}
		ok, err := r.next(ev)
		if ok {
			return nil
		}
		r.err = err
	}
}

// next reads a block; ok reports that it was an event that the caller wants.
func (r *Reader) next(ev *event.Event) (ok bool, err error) {
	if !r.held {
		if err := r.header(); err != nil {
			return false, err
		}
	}
	if r.kind == sectionHeader {
		r.held = true
		return false, r.open()
	}
	r.held = false
	if !r.kind.event() {
		return false, r.damage("a block of type %#x among the events", uint32(r.kind))
	}
	return r.event(ev)
}

// event reports whether blocks of the type hold an event.
func (t blockType) event() bool {
	switch t {
	case eventV1, oldEventV1, eventFlagsV1, eventV2, eventFlagsV2, eventV2Large, eventFlagsLarge:
		return true
	}
	return false
}

func (r *Reader) damage(format string, args ...any) error {
	return &DamageError{r.at, fmt.Sprintf(format, args...)}
}

// header reads the type and length of the next block.
func (r *Reader) header() error {
	r.at = r.off
	h := r.fixed[:headerSize]
	if err := r.full(h); err != nil {
		return err
	}
	r.kind, r.total = blockType(order.Uint32(h)), order.Uint32(h[4:])
	if r.total < minTotal || r.total%4 != 0 {
		return r.damage("block of length %d", r.total)
	}
	r.left = int(r.total) - frame
	return nil
}

// full fills b. The end of the file is io.EOF, and is remembered as a cut
// unless it comes right where a block could start.
func (r *Reader) full(b []byte) error {
	n, err := io.ReadFull(r.in, b)
	r.off += int64(n)
	switch {
	case err == nil:
		return nil
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		// A compressed file that is cut gives io.ErrUnexpectedEOF wherever
		// that happens.
		if n > 0 || r.off != r.at || err != io.EOF {
			r.cut, r.cutAt = true, r.at
		}
		return io.EOF
	}
	return fmt.Errorf("read capture at offset %d: %w", r.off, err)
}

// body reads the rest of the block, of at most limit bytes, and its trailer.
func (r *Reader) body(limit int) ([]byte, error) {
	if r.left > limit {
		return nil, r.damage("block of type %#x with %d bytes, at most %d are allowed", uint32(r.kind), r.left, limit)
	}
	r.buf = r.buf[:0]
	for r.left > 0 {
		n, had := min(r.left, max(readStep, len(r.buf))), len(r.buf)
		if cap(r.buf)-had < n {
			r.buf = append(r.buf, make([]byte, n)...)
		}
		r.buf = r.buf[:had+n]
		if err := r.full(r.buf[had:]); err != nil {
			return nil, err
		}
		r.left -= n
	}
	return r.buf, r.trailer()
}

// skip passes over the rest of the block.
func (r *Reader) skip() error {
	n, err := io.CopyN(io.Discard, r.in, int64(r.left))
	r.off += n
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		r.cut, r.cutAt = true, r.at
		return io.EOF
	case err != nil:
		return fmt.Errorf("read capture at offset %d: %w", r.off, err)
	}
	r.left = 0
	return r.trailer()
}

func (r *Reader) trailer() error {
	t := r.fixed[:4]
	if err := r.full(t); err != nil {
		return err
	}
	if n := order.Uint32(t); n != r.total {
		return r.damage("length %d in front of the block, %d behind it", r.total, n)
	}
	return nil
}

// sectionHeader reads a section header and forgets the former section.
func (r *Reader) sectionHeader() error {
	b, err := r.body(readStep)
	if err != nil {
		return err
	}
	c := cursor{b: b}
	magic, major, minor := c.u32(), c.u16(), c.u16()
	switch {
	case c.short:
		return r.damage("section header of %d bytes", len(b))
	case magic != byteOrderMagic:
		return r.damage("byte order magic %#x: not a capture, or one of a big-endian machine", magic)
	case major > majorVersion:
		return fmt.Errorf("read capture: version %d.%d, at most %d is known", major, minor, majorVersion)
	}
	if r.state != nil {
		r.section++
	}
	r.state, r.threads, r.numFDs = new(snapshot.State), make(map[int64]int), 0
	r.identity, r.headLeft = nil, r.limits.Head
	return nil
}
