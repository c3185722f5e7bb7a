package capture

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Options say how a capture is written.
type Options struct {
	// Profile is the edition of the events. For V036 the head keeps to what
	// the readers of its time understand.
	Profile spec.Profile
	Gzip    bool
	// Identity says who writes, in a block that only our own readers know; empty
	// for none. At most 4096 bytes.
	Identity []byte
}

// bufferSize is how many bytes wait for more before they are written.
const bufferSize = 1 << 18

// A Writer writes a capture. It hands whole blocks to the writer below: should
// that fail in the middle, the part before it is a capture that ends early,
// which readers take.
type Writer struct {
	w     io.Writer // what the file is written to
	gz    *gzip.Writer
	opts  Options
	buf   []byte // whole blocks, and at its end the one under construction
	start int    // of that block in buf
	err   error  // why nothing more is written
	told  bool   // the caller knows err
}

// NewWriter writes the head of a capture, all that st holds, to w.
func NewWriter(w io.Writer, st *snapshot.State, opts Options) (*Writer, error) {
	cw := Continue(w, opts)
	cw.Section(st)
	// A capture that cannot be started is known at once, not with the event
	// that fills the buffer.
	return cw, cw.Flush()
}

// Continue returns a writer that goes on behind the head of a capture, which
// another has written.
func Continue(w io.Writer, opts Options) *Writer {
	cw := &Writer{w: w, opts: opts, buf: make([]byte, 0, bufferSize+bufferSize/2)}
	if opts.Gzip {
		cw.gz = gzip.NewWriter(w)
		cw.w = cw.gz
	}
	return cw
}

// Section starts a section: events from here on are to be read with st. The next
// WriteEvent or Flush tells of errors.
func (w *Writer) Section(st *snapshot.State) {
	w.section()
	if len(w.opts.Identity) > 0 {
		w.begin(identity)
		w.buf = append(w.buf, w.opts.Identity...)
		w.end()
	}
	w.machine(&st.Machine)
	w.interfaces(st.Interfaces)
	w.users(st.Users, st.Groups)
	w.processes(st.Threads)
	for i := range st.Threads {
		w.fds(&st.Threads[i])
	}
}

// Buffered returns how many bytes wait to be written.
func (w *Writer) Buffered() int { return len(w.buf) }

// WriteEvent appends an event. After an error nothing more is written: every
// further call returns that error too.
func (w *Writer) WriteEvent(ev *event.Event) error {
	flags := ev.Flags &^ largeFlag
	kind, large := eventV2, isLarge(ev)
	switch {
	case flags != 0 && large:
		kind = eventFlagsLarge
	case flags != 0:
		kind = eventFlagsV2
	case large:
		kind = eventV2Large
	}
	w.begin(kind)
	w.u16(ev.CPU)
	if flags != 0 {
		w.u32(uint32(flags))
	}
	start := len(w.buf)
	w.buf = append(w.buf, ev.Bytes()...)
	if w.opts.Profile == spec.V036 {
		hideCode(w.buf[start:], ev)
	}
	w.end()
	if w.err != nil {
		w.told = true
		return w.err
	}
	return nil
}

// hideCode makes the code of a generic event "unknown" if sysdig 0.29.3 does not
// know it: it looks codes up in a table of its own time without asking how long
// that is, and crashes. The native number of the call stays.
func hideCode(data []byte, ev *event.Event) {
	const firstUnknown = 329 // PPM_SC_OPEN_BY_HANDLE_AT, the first code added after it
	if t := ev.Type(); t != event.GenericE && t != event.GenericX {
		return
	}
	if code, ok := ev.Int(0); ok && code >= firstUnknown {
		at := event.HeaderSize + 2*ev.NumParams()
		data[at], data[at+1] = 0, 0
	}
}

// largeFlag chooses a large block in libscap (SCAP_DF_LARGE) and is not written.
const largeFlag event.Flags = 4

// isLarge reports whether an event needs a large block: because its lengths are
// wide, which is how libscap chooses, or because readers refuse smaller blocks
// of that size.
func isLarge(ev *event.Event) bool {
	row := ev.Type().Row()
	if row != nil && row.Flags&spec.LargePayload != 0 {
		return true
	}
	const around = 2 + 4 + 3 + 4 // CPU, flags, padding, trailer
	return len(ev.Bytes())+around > smallEvent
}

// Flush writes what waits. It returns an error that no earlier call returned.
func (w *Writer) Flush() error {
	w.write()
	if w.gz != nil && w.err == nil {
		w.fail(w.gz.Flush())
	}
	return w.tell()
}

// Close writes what waits and ends the compressed stream. It does not close the
// writer below. It returns an error that no earlier call returned.
func (w *Writer) Close() error {
	w.write()
	if w.gz != nil && w.err == nil {
		w.fail(w.gz.Close())
	}
	err := w.tell()
	if w.err == nil {
		w.err, w.told = errClosed, true
	}
	return err
}

var errClosed = errors.New("write capture: already closed")

func (w *Writer) tell() error {
	if w.told {
		return nil
	}
	w.told = w.err != nil
	return w.err
}

func (w *Writer) fail(err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("write capture: %w", err)
	}
}

func (w *Writer) write() {
	if w.err == nil && len(w.buf) > 0 {
		_, err := w.w.Write(w.buf)
		w.fail(err)
	}
	w.buf = w.buf[:0]
}

// begin starts a block.
func (w *Writer) begin(t blockType) {
	w.start = len(w.buf)
	w.u32(uint32(t))
	w.u32(0)
}

// end completes a block and writes the buffer when it is full.
func (w *Writer) end() {
	for (len(w.buf)-w.start)%4 != 0 {
		w.buf = append(w.buf, 0)
	}
	total := uint32(len(w.buf) - w.start + 4)
	order.PutUint32(w.buf[w.start+4:], total)
	w.u32(total)
	if len(w.buf) >= bufferSize {
		w.write()
	}
}

func (w *Writer) u8(v uint8)   { w.buf = append(w.buf, v) }
func (w *Writer) u16(v uint16) { w.buf = order.AppendUint16(w.buf, v) }
func (w *Writer) u32(v uint32) { w.buf = order.AppendUint32(w.buf, v) }
func (w *Writer) u64(v uint64) { w.buf = order.AppendUint64(w.buf, v) }

// text appends a string with its length, cut to limit bytes: readers reject a
// file in which one is longer.
func (w *Writer) text(s string, limit int) {
	s = s[:min(len(s), limit)]
	w.u16(uint16(len(s)))
	w.buf = append(w.buf, s...)
}

// list appends strings, each with its NUL, as one string.
func (w *Writer) list(list []string, limit int) {
	at := len(w.buf)
	w.u16(0)
	for _, s := range list {
		w.buf = append(append(w.buf, s...), 0)
	}
	if len(w.buf) > at+2+limit {
		w.buf = w.buf[:at+2+limit]
		w.buf[len(w.buf)-1] = 0
	}
	order.PutUint16(w.buf[at:], uint16(len(w.buf)-at-2))
}

// entry starts an entry that counts its own length; the result ends it.
func (w *Writer) entry() (end func()) {
	at := len(w.buf)
	w.u32(0)
	return func() { order.PutUint32(w.buf[at:], uint32(len(w.buf)-at)) }
}
