// Package event is the contract between drivers and everything that reads
// events: the layout of an event, the names of its parts, and both ways between
// bytes and values.
//
// In a nutshell: a driver lays out events with a Builder; a reader walks them
// with Event and Reader. What an event holds is declared in package spec, one
// row per event, and reached through Type.Row. An event on the wire, packed, in
// the byte order of the traced machine:
//
//	offset  size
//	0       8            ts       ns since the epoch
//	8       8            tid      thread id
//	16      4            len      bytes, header included
//	20      2            type     row number
//	22      4            nparams
//	26      2*nparams    length of each value (4*nparams if the row has LargePayload)
//	...     sum          the values, back to back
//
// The package imports nothing of this module but spec. An Event is not safe for
// use by several goroutines, and neither is a Builder.
package event

import (
	"encoding/binary"
	"fmt"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Limits of the contract.
const (
	HeaderSize  = 26      // bytes
	MaxParams   = 32      // of one event
	MaxParamLen = 65000   // bytes, for events of drivers
	MaxLen      = 1 << 26 // bytes of one event; only events with large payloads come near
)

// AtFDCWD is the portable encoding of AT_FDCWD in parameters of type FD.
const AtFDCWD = -100

// A Type is the number of an event on the wire.
type Type uint16

// Row returns the declaration of the event, nil for a number that this contract
// does not have.
func (t Type) Row() *spec.Event {
	if int(t) >= len(spec.Events) {
		return nil
	}
	return &spec.Events[t]
}

// Enter reports whether the event tells of the start of a call.
func (t Type) Enter() bool { return t&1 == 0 }

// String returns the name that users see.
func (t Type) String() string {
	if r := t.Row(); r != nil {
		return r.Name
	}
	return fmt.Sprintf("unknown(%d)", uint16(t))
}

// large reports whether lengths of the event are 32 bits wide.
func (t Type) large() bool {
	r := t.Row()
	return r != nil && r.Flags&spec.LargePayload != 0
}

// order is the byte order of both machines that the contract covers here.
var order = binary.LittleEndian

// A Source is what events are read from: a driver or a capture.
type Source interface {
	// ReadInto stores the next event in ev; it is valid until the next call.
	// It returns io.EOF when there will be no more events.
	ReadInto(ev *Event) error
}

// An Event is one event, checked to be well formed. The zero Event is empty: it
// has no bytes and no parameters, and TS, TID and Type must not be asked of it.
type Event struct {
	CPU   uint16 // where it happened, 0 if unknown
	Flags Flags  // how a capture wants it treated

	data []byte
	n    int
	ends [MaxParams]uint32 // offset in data behind each value
	base uint32            // offset in data of the first value
}

// Flags of an event in a capture.
type Flags uint32

// StateOnly marks an event that updates the readers' state and is not shown.
const StateOnly Flags = 1

// A FormatError says where bytes stop being an event.
type FormatError struct {
	Offset int // bytes from the start of the input
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("event at offset %d: %s", e.Offset, e.Reason)
}

// Parse takes the event at the start of b, which it keeps referring to, and
// returns its length in bytes. Types that the contract does not have are taken
// as well. On error, a *FormatError with an offset from the start of b, the
// event is empty.
func (e *Event) Parse(b []byte) (int, error) {
	e.data, e.n = nil, 0
	if len(b) < HeaderSize {
		return 0, &FormatError{len(b), fmt.Sprintf("header needs %d bytes, %d left", HeaderSize, len(b))}
	}
	length := order.Uint32(b[16:])
	n := order.Uint32(b[22:])
	width := uint32(2)
	if Type(order.Uint16(b[20:])).large() {
		width = 4
	}
	switch {
	case length < HeaderSize || length > MaxLen:
		return 0, &FormatError{16, fmt.Sprintf("length %d is not between %d and %d", length, HeaderSize, MaxLen)}
	case uint64(length) > uint64(len(b)):
		return 0, &FormatError{16, fmt.Sprintf("length %d, but %d bytes left", length, len(b))}
	case n > MaxParams:
		return 0, &FormatError{22, fmt.Sprintf("%d parameters, at most %d are allowed", n, MaxParams)}
	case HeaderSize+n*width > length:
		return 0, &FormatError{22, fmt.Sprintf("%d lengths do not fit in %d bytes", n, length)}
	}
	off := HeaderSize + n*width
	e.base = off
	for i := range n {
		var size uint32
		if width == 2 {
			size = uint32(order.Uint16(b[HeaderSize+2*i:]))
		} else {
			size = order.Uint32(b[HeaderSize+4*i:])
		}
		if size > length-off {
			return 0, &FormatError{int(HeaderSize + width*i), fmt.Sprintf("parameter %d has %d bytes, %d left", i+1, size, length-off)}
		}
		off += size
		e.ends[i] = off
	}
	if off != length {
		return 0, &FormatError{int(off), fmt.Sprintf("%d bytes behind the last parameter", length-off)}
	}
	e.data, e.n = b[:length:length], int(n)
	return int(length), nil
}

// Bytes returns the event as it is on the wire.
func (e *Event) Bytes() []byte { return e.data }

// TS returns the time of the event in ns since the epoch.
func (e *Event) TS() uint64 { return order.Uint64(e.data) }

// TID returns the id of the thread that the event is of.
func (e *Event) TID() int64 { return int64(order.Uint64(e.data[8:])) }

// Type returns the number of the event.
func (e *Event) Type() Type { return Type(order.Uint16(e.data[20:])) }

// NumParams returns how many parameters the event has: fewer than its row if an
// older driver wrote it, more if a newer one did.
func (e *Event) NumParams() int { return e.n }

// Param returns the bytes of parameter i, from 0; nil if the event lacks it. A
// parameter of length 0 is one whose value was not available.
func (e *Event) Param(i int) []byte {
	if i < 0 || i >= e.n {
		return nil
	}
	start := e.base
	if i > 0 {
		start = e.ends[i-1]
	}
	return e.data[start:e.ends[i]:e.ends[i]]
}

// Int returns parameter i as an integer, sign-extended if its type is signed.
// ok is false if the parameter is missing, empty, or not an integer.
func (e *Event) Int(i int) (value int64, ok bool) {
	b := e.Param(i)
	if len(b) == 0 {
		return 0, false
	}
	row := e.Type().Row()
	if row == nil || i >= len(row.Params) {
		return 0, false
	}
	return Int(row.Params[i].Type, b)
}

// String returns parameter i without its final NUL; ok is false if the
// parameter is missing or empty.
func (e *Event) String(i int) (value string, ok bool) {
	b := e.Param(i)
	if len(b) == 0 {
		return "", false
	}
	if b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return string(b), true
}

// Int decodes an integer of type t. ok is false if b does not have the size of
// the type or the type is not an integer.
func Int(t spec.Type, b []byte) (value int64, ok bool) {
	if size := t.Size(); size == 0 || size != len(b) || t == spec.Double || t == spec.IPv4 || t == spec.IPv6 {
		return 0, false
	}
	switch len(b) {
	case 1:
		if t.Signed() {
			return int64(int8(b[0])), true
		}
		return int64(b[0]), true
	case 2:
		if v := order.Uint16(b); t.Signed() {
			return int64(int16(v)), true
		} else {
			return int64(v), true
		}
	case 4:
		if v := order.Uint32(b); t.Signed() {
			return int64(int32(v)), true
		} else {
			return int64(v), true
		}
	}
	return int64(order.Uint64(b)), true
}

// A Reader walks the events in a slice of bytes.
type Reader struct {
	data []byte
	off  int
}

// NewReader returns a reader of b, which it keeps referring to.
func NewReader(b []byte) *Reader { return &Reader{data: b} }

// Offset returns where the next event starts.
func (r *Reader) Offset() int { return r.off }

// More reports whether bytes are left.
func (r *Reader) More() bool { return r.off < len(r.data) }

// Next takes the next event. The offset of a *FormatError counts from the start
// of the reader's bytes.
func (r *Reader) Next(ev *Event) error {
	n, err := ev.Parse(r.data[r.off:])
	if err != nil {
		if fe, ok := err.(*FormatError); ok {
			fe.Offset += r.off
		}
		return err
	}
	r.off += n
	return nil
}
