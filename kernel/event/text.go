package event

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// The text form is one line an event, without loss: ParseText gives back the
// bytes that AppendText was given.
//
//	OpenatX ts=1700000000000000001 tid=42 fd=3 dirfd=-100 name="/etc/hosts" flags=0x1 ...
//
// A type without an identifier is its number, a parameter that the row does not
// have is # and its position. Values:
//
//	-            empty
//	-100, 0x1ff  an integer of the row's type; 0o644 where the format is octal
//	"a\n"        a string, without its final NUL
//	["a" "b"]    strings, each without its NUL
//	x:0a0b       bytes; also any value that does not have the size or form of its type

// AppendText appends the text of an event to dst, without a newline.
func AppendText(dst []byte, ev *Event) []byte {
	if len(ev.data) == 0 {
		return dst
	}
	row := ev.Type().Row()
	if row != nil && row.Ident != "" {
		dst = append(dst, row.Ident...)
	} else {
		dst = strconv.AppendUint(dst, uint64(ev.Type()), 10)
	}
	dst = strconv.AppendUint(append(dst, " ts="...), ev.TS(), 10)
	dst = strconv.AppendInt(append(dst, " tid="...), ev.TID(), 10)
	for i := range ev.n {
		p := param(row, i)
		dst = append(dst, ' ')
		if p != nil {
			dst = append(dst, p.Name...)
		} else {
			dst = strconv.AppendInt(append(dst, '#'), int64(i+1), 10)
		}
		dst = appendValue(append(dst, '='), p, ev.Param(i))
	}
	return dst
}

// param returns parameter i of a row, nil if there is none.
func param(row *spec.Event, i int) *spec.Param {
	if row == nil || i >= len(row.Params) {
		return nil
	}
	return &row.Params[i]
}

func appendValue(dst []byte, p *spec.Param, b []byte) []byte {
	if len(b) == 0 {
		return append(dst, '-')
	}
	if p != nil {
		if v, ok := Int(p.Type, b); ok {
			return appendInt(dst, p, v)
		}
		if b[len(b)-1] == 0 {
			switch p.Type {
			case spec.String, spec.Path, spec.RelPath:
				return strconv.AppendQuote(dst, string(b[:len(b)-1]))
			case spec.StringArray:
				dst = append(dst, '[')
				for i, s := range strings.Split(string(b[:len(b)-1]), "\x00") {
					if i > 0 {
						dst = append(dst, ' ')
					}
					dst = strconv.AppendQuote(dst, s)
				}
				return append(dst, ']')
			}
		}
	}
	return hex.AppendEncode(append(dst, "x:"...), b)
}

func appendInt(dst []byte, p *spec.Param, v int64) []byte {
	switch {
	case p.Type.Signed() && v < 0:
		return strconv.AppendInt(dst, v, 10)
	case p.Format == spec.Hex:
		return strconv.AppendUint(append(dst, "0x"...), uint64(v), 16)
	case p.Format == spec.Oct && v != 0:
		return strconv.AppendUint(append(dst, "0o"...), uint64(v), 8)
	}
	return strconv.AppendUint(dst, uint64(v), 10)
}

// byIdent finds an event by its identifier.
var byIdent = func() map[string]Type {
	m := make(map[string]Type)
	for i := range spec.Events {
		if id := spec.Events[i].Ident; id != "" {
			m[id] = Type(i)
		}
	}
	return m
}()

// A word is one part of a line and where it starts, from 1.
type word struct {
	text string
	col  int
}

// ParseText reads a line of the text form and lays out the event behind those
// that b holds already. On error b is as it was.
func ParseText(line string, b *Builder) error {
	var array [3 + MaxParams]word
	words, err := split(line, array[:0])
	if err != nil {
		return err
	}
	if len(words) < 3 {
		return fmt.Errorf("column %d: want an event, ts= and tid=", len(line)+1)
	}
	t, ok := byIdent[words[0].text]
	if !ok {
		n, err := strconv.ParseUint(words[0].text, 10, 16)
		if err != nil {
			return fmt.Errorf("column 1: unknown event %q", words[0].text)
		}
		t = Type(n)
	}
	var head [2]uint64
	for i, name := range []string{"ts", "tid"} {
		typ := spec.Uint64
		if name == "tid" {
			typ = spec.Int64
		}
		text, err := words[i+1].value(name)
		if err == nil {
			head[i], err = parseInt(typ, text)
		}
		if err != nil {
			return words[i+1].fail(err)
		}
	}
	params := words[3:]
	b.Begin(t, head[0], int64(head[1]), len(params))
	for i, w := range params {
		if err := putText(b, param(t.Row(), i), i, w); err != nil {
			b.Abort()
			return w.fail(err)
		}
	}
	if n := len(b.buf) - b.start; n > MaxLen {
		b.Abort()
		return fmt.Errorf("event of %d bytes, at most %d are allowed", n, MaxLen)
	}
	b.End()
	return nil
}

// split cuts a line at spaces outside of quotes and brackets.
func split(line string, words []word) ([]word, error) {
	for i := 0; i < len(line); {
		if line[i] == ' ' {
			i++
			continue
		}
		if len(words) == cap(words) {
			return nil, fmt.Errorf("column %d: more than %d parameters", i+1, MaxParams)
		}
		start, quoted, listed := i, false, false
		for ; i < len(line) && (quoted || listed || line[i] != ' '); i++ {
			switch c := line[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case !quoted && (c == '[' || c == ']'):
				listed = c == '['
			}
		}
		if quoted || listed || i > len(line) {
			return nil, fmt.Errorf("column %d: value does not end: %.60s", start+1, line[start:])
		}
		words = append(words, word{line[start:i], start + 1})
	}
	return words, nil
}

// value returns what is behind the name and '='.
func (w word) value(name string) (string, error) {
	v, ok := strings.CutPrefix(w.text, name+"=")
	if !ok {
		return "", fmt.Errorf("want %s=", name)
	}
	return v, nil
}

func (w word) fail(err error) error {
	return fmt.Errorf("column %d: %.60s: %w", w.col, w.text, err)
}

// putText puts the value of parameter i; p is nil if the row lacks it.
func putText(b *Builder, p *spec.Param, i int, w word) error {
	name, typ := "#"+strconv.Itoa(i+1), spec.NoType
	if p != nil {
		name, typ = p.Name, p.Type
	}
	text, err := w.value(name)
	if err != nil {
		return err
	}
	if text == "-" {
		b.PutEmpty()
		return nil
	}
	if digits, ok := strings.CutPrefix(text, "x:"); ok {
		return b.putValue(hex.AppendDecode(b.buf, []byte(digits)))
	}
	switch {
	case typ == spec.String || typ == spec.Path || typ == spec.RelPath:
		s, err := strconv.Unquote(text)
		if err != nil || text[0] != '"' {
			return fmt.Errorf("want a string in double quotes")
		}
		return b.putValue(append(append(b.buf, s...), 0), nil)
	case typ == spec.StringArray:
		return b.putValue(appendStrings(b.buf, text))
	case isInt(typ):
		v, err := parseInt(typ, text)
		if err != nil {
			return err
		}
		b.PutInt(typ.Size(), v)
		return nil
	}
	return fmt.Errorf("want bytes, as in x:0a0b")
}

// putValue takes over b.buf with a value appended, or the error.
func (b *Builder) putValue(buf []byte, err error) error {
	n := len(buf) - len(b.buf)
	switch {
	case err != nil:
		return err
	case n > MaxLen || !b.wide && n > 1<<16-1:
		return fmt.Errorf("value of %d bytes", n)
	}
	b.buf = buf
	b.length(n)
	return nil
}

func appendStrings(dst []byte, text string) ([]byte, error) {
	list, ok := strings.CutPrefix(text, "[")
	list, end := strings.CutSuffix(list, "]")
	if !ok || !end {
		return nil, fmt.Errorf("want strings in brackets")
	}
	for list != "" {
		quoted, err := strconv.QuotedPrefix(list)
		if err != nil || list[0] != '"' {
			return nil, fmt.Errorf("want a string in double quotes at %s", list)
		}
		s, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, s...), 0)
		list = strings.TrimPrefix(list[len(quoted):], " ")
	}
	return dst, nil
}

// isInt reports whether values of a type are integers: what Int takes.
func isInt(t spec.Type) bool {
	var zero [16]byte
	_, ok := Int(t, zero[:t.Size()])
	return ok
}

func parseInt(t spec.Type, text string) (uint64, error) {
	bits := 8 * t.Size()
	if t.Signed() {
		v, err := strconv.ParseInt(text, 0, bits)
		if err != nil {
			return 0, fmt.Errorf("want an integer of %d bits", bits)
		}
		return uint64(v), nil
	}
	v, err := strconv.ParseUint(text, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("want an unsigned integer of %d bits", bits)
	}
	return v, nil
}
