package output

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// JSON writes one object for each event and line.
type JSON struct {
	out     lines
	line    []byte
	scratch []byte
	r       renderer
}

// NewJSON returns a writer of JSON. Options.Data bounds evt.info alone, evt.args
// has all.
func NewJSON(w io.Writer, o Options) *JSON {
	return &JSON{out: newLines(w, o), r: renderer{maxData: o.Data}}
}

// Flush writes what is buffered.
func (j *JSON) Flush() error { return j.out.Flush() }

// Write writes the object of an event.
func (j *JSON) Write(ev *event.Event, st *state.State) error {
	j.r.next(ev, st)
	b := append(append(j.line[:0], j.out.prefix...), `{"evt.num":`...)
	b = strconv.AppendUint(b, j.r.num, 10)
	b = append(b, `,"evt.time":`...)
	b = strconv.AppendUint(b, j.r.ts, 10)
	j.scratch = appendType(j.scratch[:0], &j.r)
	b = appendQuoted(append(b, `,"evt.type":`...), j.scratch)
	b = append(b, `,"evt.dir":"`...)
	b = append(b, direction(ev.Type()))
	b = append(b, `","evt.category":`...)
	b = appendQuoted(b, category(&j.r))
	b = append(b, `,"evt.cpu":`...)
	b = strconv.AppendUint(b, uint64(ev.CPU), 10)
	b = j.thread(b)
	j.scratch = j.r.info(j.scratch[:0])
	b = appendQuoted(append(b, `,"evt.info":`...), j.scratch)
	b = append(b, `,"evt.args":{`...)
	for i := range j.r.params() {
		if i > 0 {
			b = append(b, ',')
		}
		b = j.param(b, i)
	}
	j.line = append(b, "}}\n"...)
	_, err := j.out.Write(j.line)
	return err
}

// thread appends the fields of the event's thread. Ids that are not known are
// null.
func (j *JSON) thread(b []byte) []byte {
	t := j.r.thread
	if t == nil {
		return append(b, `,"proc.name":null,"proc.pid":null,"thread.tid":null`...)
	}
	b = appendQuoted(append(b, `,"proc.name":`...), t.Comm)
	b = append(b, `,"proc.pid":`...)
	if t.Proc.PID < 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, t.Proc.PID, 10)
	}
	b = append(b, `,"thread.tid":`...)
	return strconv.AppendInt(b, t.TID, 10)
}

// param appends the key and value of a parameter.
func (j *JSON) param(b []byte, i int) []byte {
	p, t := &j.r.row.Params[i], &paramTables[j.r.ev.Type()][i]
	val, typ := j.r.ev.Param(i), p.Type
	if typ == spec.Dyn && t.dyn != nil && len(val) > 0 && int(val[0]) < len(t.dyn.Entries) {
		typ = t.dyn.Entries[val[0]].Type
		val = val[1:]
	}
	if len(val) == 0 {
		return append(appendKey(b, p.Name, ""), "null"...)
	}
	if v, ok := event.Int(typ, val); ok {
		return appendJSONInt(appendKey(b, p.Name, ""), v, typ)
	}
	switch typ {
	case spec.String, spec.Path, spec.RelPath:
		return appendText(b, p.Name, cstring(val))
	case spec.StringArray:
		return appendList(appendKey(b, p.Name, ""), val)
	case spec.Bytes:
		switch p.Name {
		case "args", "env", "cgroups": // NUL-separated lists, see the filler of execve
			return appendList(appendKey(b, p.Name, ""), val)
		}
		if isText(val) {
			return appendQuoted(appendKey(b, p.Name, ""), val)
		}
		return appendBase64(b, p.Name, val)
	case spec.FDList:
		return appendFDs(appendKey(b, p.Name, ""), val)
	case spec.Double:
		if len(val) == 8 {
			if f := math.Float64frombits(binary.LittleEndian.Uint64(val)); !math.IsNaN(f) && !math.IsInf(f, 0) {
				return strconv.AppendFloat(appendKey(b, p.Name, ""), f, 'g', -1, 64)
			}
		}
		return append(appendKey(b, p.Name, ""), "null"...)
	}
	j.scratch = j.r.value(j.scratch[:0], i)
	return appendQuoted(appendKey(b, p.Name, ""), j.scratch)
}

func appendJSONInt(b []byte, v int64, typ spec.Type) []byte {
	if typ.Signed() {
		return strconv.AppendInt(b, v, 10)
	}
	return strconv.AppendUint(b, uint64(v), 10)
}

// appendText appends a text; one that is not UTF-8 is also there byte by byte.
func appendText(b []byte, name string, val []byte) []byte {
	b = appendQuoted(appendKey(b, name, ""), val)
	if !utf8.Valid(val) {
		b = appendBase64(append(b, ','), name, val)
	}
	return b
}

func appendBase64(b []byte, name string, val []byte) []byte {
	b = append(appendKey(b, name, ".base64"), '"')
	return append(base64.StdEncoding.AppendEncode(b, val), '"')
}

func appendKey(b []byte, name, suffix string) []byte {
	b = append(append(b, '"'), name...)
	return append(append(b, suffix...), `":`...)
}

// appendList appends strings that each end with a NUL.
func appendList(b, val []byte) []byte {
	b = append(b, '[')
	for first := true; len(val) > 0; first = false {
		s := cstring(val)
		val = val[min(len(s)+1, len(val)):]
		if !first {
			b = append(b, ',')
		}
		b = appendQuoted(b, s)
	}
	return append(b, ']')
}

func appendFDs(b, val []byte) []byte {
	b = append(b, '[')
	for i := range fdCount(val) {
		if i > 0 {
			b = append(b, ',')
		}
		fd, events := fdEntry(val, i)
		b = strconv.AppendInt(append(b, `{"fd":`...), fd, 10)
		b = strconv.AppendUint(append(b, `,"events":`...), uint64(uint16(events)), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// isText reports whether a buffer can be shown as a string.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(b)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string. Bytes that are not UTF-8 become the
// replacement character.
func appendQuoted[T bytesOrString](b []byte, s T) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c == 0x7f:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := decode(s[i:])
			// C1 controls act on terminals too (ECMA-48).
			if r < 0xa0 {
				b = append(b, `\u00`...)
				b = append(b, hexDigits[r>>4], hexDigits[r&15])
			} else {
				b = utf8.AppendRune(b, r)
			}
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}

func decode[T bytesOrString](s T) (rune, int) {
	var buf [utf8.UTFMax]byte
	n := copy(buf[:], s)
	return utf8.DecodeRune(buf[:n])
}
