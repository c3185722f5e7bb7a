package output

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A renderer turns the parameters of one event into text.
type renderer struct {
	num     uint64 // events seen, this one included
	ev      *event.Event
	row     *spec.Event // nil for a type that this contract does not have
	st      *state.State
	thread  *state.Thread
	meaning []byte // scratch: what a value means
	path    []byte // scratch
	first   uint64 // time of the first event
	last    uint64 // time of the event before
	ts      uint64
	maxData int // see Options
}

// next takes the next event.
func (r *renderer) next(ev *event.Event, st *state.State) {
	r.num++
	r.ev, r.row, r.st, r.thread = ev, ev.Type().Row(), st, st.Thread()
	r.last, r.ts = r.ts, ev.TS()
	if r.num == 1 {
		r.first, r.last = r.ts, r.ts
	}
}

// params returns how many parameters of the event have a name.
func (r *renderer) params() int {
	if r.row == nil {
		return 0
	}
	return min(r.ev.NumParams(), len(r.row.Params))
}

// find returns the index of a parameter, -1 if the event lacks it.
func (r *renderer) find(name string) int {
	for i := range r.params() {
		if r.row.Params[i].Name == name {
			return i
		}
	}
	return -1
}

// result returns the result of an exit event.
func (r *renderer) result() (int64, bool) {
	if i := r.resultParam(); i >= 0 {
		return r.ev.Int(i)
	}
	return 0, false
}

// resultParam returns the parameter that holds the result: res, or the new
// descriptor.
func (r *renderer) resultParam() int {
	i := r.find("res")
	if i < 0 && r.row != nil && r.row.Flags&spec.CreatesFD != 0 && !r.row.Enter() {
		i = r.find("fd")
	}
	return i
}

// info appends all parameters, name=value or name=value(meaning), with spaces
// between them.
func (r *renderer) info(dst []byte) []byte {
	if r.ev.Type()|1 == event.GenericX {
		return dst // only the name of the call, which is the event's
	}
	for i := range r.params() {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, r.row.Params[i].Name...), '=')
		dst = r.value(dst, i)
		if len(r.meaning) > 0 {
			dst = append(append(append(dst, '('), r.meaning...), ')')
		}
	}
	return dst
}

// value appends parameter i and sets r.meaning.
func (r *renderer) value(dst []byte, i int) []byte {
	r.meaning = r.meaning[:0]
	b := r.ev.Param(i)
	if len(b) == 0 && r.row.Params[i].Type == spec.Bytes {
		return dst
	} else if len(b) == 0 {
		return append(dst, "NULL"...)
	}
	p, t := &r.row.Params[i], &paramTables[r.ev.Type()][i]
	typ, format := p.Type, p.Format
	if typ == spec.Dyn && t.dyn != nil {
		if int(b[0]) >= len(t.dyn.Entries) {
			return append(dst, "INVALID DYNAMIC PARAMETER"...)
		}
		typ = t.dyn.Entries[b[0]].Type
		if b = b[1:]; len(b) == 0 {
			return dst
		}
	}
	if v, ok := event.Int(typ, b); ok {
		return r.integer(dst, v, typ, format, t.flags)
	}
	switch typ {
	case spec.String:
		return appendClean(dst, cstring(b))
	case spec.Path, spec.RelPath:
		dst = appendClean(dst, cstring(b))
		if b[0] == '/' {
			break // says it all
		}
		if path, ok := r.st.AppendPath(r.path[:0], i); ok {
			r.path = path
			r.meaning = appendClean(r.meaning, path)
		}
	case spec.Bytes:
		dst = r.data(dst, b)
	case spec.SockAddr:
		dst = appendSockAddr(dst, b)
	case spec.SockTuple:
		dst = appendTuple(dst, b)
	case spec.FDList:
		dst = r.fdList(dst, b)
	case spec.StringArray:
		dst = appendStrings(dst, b)
	case spec.IPv4, spec.IPv6, spec.IPAddr:
		if a, ok := netip.AddrFromSlice(b); ok {
			dst = a.AppendTo(dst)
		}
	case spec.Double:
		if len(b) == 8 {
			dst = strconv.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 'g', 6, 64)
		}
	default:
		dst = append(dst, "(n.a.)"...) // a size that does not fit the type
	}
	return dst
}

// DefaultData is how many bytes of a buffer are shown unless Options say so.
const DefaultData = 80

// data appends a buffer, with an ellipsis in place of what is too much.
func (r *renderer) data(dst, b []byte) []byte {
	n := r.maxData
	if n == 0 {
		n = DefaultData
	}
	if n < 0 || len(b) <= n {
		return appendClean(dst, b)
	}
	const ellipsis = "..."
	if n < len(ellipsis) {
		return appendClean(dst, b[:n])
	}
	return append(appendClean(dst, b[:n-len(ellipsis)]), ellipsis...)
}

// integer appends a value of a type of fixed size.
func (r *renderer) integer(dst []byte, v int64, typ spec.Type, format spec.Format, flags *spec.FlagTable) []byte {
	switch typ {
	case spec.FD, spec.FD32:
		dst = strconv.AppendInt(dst, v, 10)
		r.fd(v)
	case spec.PID, spec.PID32:
		dst = strconv.AppendInt(dst, v, 10)
		if t := r.st.Lookup(v); t != nil {
			r.meaning = appendClean(r.meaning, t.Comm)
		}
	case spec.Errno:
		if v >= 0 {
			return appendInt(dst, v, typ, format) // of mmap an address
		}
		dst = strconv.AppendInt(dst, v, 10)
		r.meaning = append(r.meaning, errnoName(-int64(int32(v)))...)
	case spec.SyscallID:
		dst = strconv.AppendInt(dst, v, 10)
		r.meaning = append(r.meaning, syscallName(v)...)
	case spec.Signal:
		dst = strconv.AppendInt(dst, v, 10)
		r.meaning = append(r.meaning, signalName(v)...)
	case spec.RelTime:
		if v == -1 {
			return append(dst, "none"...)
		}
		dst = strconv.AppendUint(dst, uint64(v), 10)
		r.meaning = strconv.AppendFloat(r.meaning, float64(uint64(v))/1e9, 'g', 6, 64)
		r.meaning = append(r.meaning, 's')
	case spec.AbsTime:
		t := time.Unix(int64(uint64(v)/1e9), int64(uint64(v)%1e9))
		dst = t.AppendFormat(dst, "2006-01-02 15:04:05.000000000 -0700")
	case spec.Flags8, spec.Flags16, spec.Flags32:
		dst = strconv.AppendUint(dst, uint64(v), 10)
		r.meaning = appendFlags(r.meaning, uint64(v), flags)
	case spec.Mode:
		dst = appendInt(dst, v, typ, format)
		r.meaning = appendFlags(r.meaning, uint64(v), flags)
	case spec.Enum8, spec.Enum16, spec.Enum32:
		dst = strconv.AppendUint(dst, uint64(v), 10)
		r.meaning = append(r.meaning, enumName(uint64(v), flags)...)
	case spec.UID:
		dst = r.id(dst, v, r.st.UserName)
	case spec.GID:
		dst = r.id(dst, v, r.st.GroupName)
	case spec.SigSet:
		dst = appendSignals(dst, uint32(v))
	case spec.Bool:
		dst = strconv.AppendBool(dst, v != 0)
	default:
		dst = appendInt(dst, v, typ, format)
	}
	return dst
}

// fd says what a descriptor refers to.
func (r *renderer) fd(num int64) {
	switch {
	case r.thread == nil:
	case num >= 0:
		f := r.thread.FD(num)
		if f == nil {
			return
		}
		r.meaning = append(r.meaning, '<', f.TypeChar())
		switch f.L4Proto() {
		case snapshot.L4TCP:
			r.meaning = append(r.meaning, 't')
		case snapshot.L4UDP:
			r.meaning = append(r.meaning, 'u')
		case snapshot.L4ICMP:
			r.meaning = append(r.meaning, 'i')
		case snapshot.L4RAW:
			r.meaning = append(r.meaning, 'r')
		}
		r.meaning = appendClean(append(r.meaning, '>'), f.Name)
	case num == event.AtFDCWD:
		r.meaning = append(r.meaning, "AT_FDCWD"...)
	default:
		r.meaning = append(r.meaning, errnoName(-int64(int32(num)))...)
	}
}

// id appends a user or group id.
func (r *renderer) id(dst []byte, v int64, lookup func(uint32) (string, bool)) []byte {
	if uint32(v) == state.NoID {
		r.meaning = append(r.meaning, "<NONE>"...)
		return append(dst, "-1"...)
	}
	name, ok := lookup(uint32(v))
	if !ok {
		name = state.NA
	}
	r.meaning = appendClean(r.meaning, name)
	return strconv.AppendInt(dst, int64(int32(v)), 10)
}
