package eventtest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

var le = binary.LittleEndian

// V is the values of an event's parameters by name, as a Go case states them:
// integers, strings (with a NUL on the wire), []byte (without), nil (length 0),
// and what the functions below return.
type V map[string]any

// Any is every value.
var Any any = map[string]bool{"any": true}

// Nonzero is every integer but 0.
var Nonzero any = map[string]bool{"nonzero": true}

// Names are flags, joined by |, by their names in the parameter's table.
func Names(s string) any { return map[string]string{"names": s} }

// Min is an integer from n on, Max one up to n.
func Min(n int64) any { return map[string]int64{"min": n} }
func Max(n int64) any { return map[string]int64{"max": n} }

// Prefix is a string or bytes that start so; Has are bytes that hold it.
func Prefix(s string) any { return map[string]string{"prefix": s} }
func Has(s string) any    { return map[string]string{"has": s} }

// Var is an identity: the same value wherever the name is stated, and another one
// elsewhere.
func Var(name string) any { return map[string]string{"var": name} }

// Unix is the tuple of a Unix socket: two identities, "0" for none, and a path.
func Unix(first, second, path string) any {
	return map[string][]string{"unix": {first, second, path}}
}

// Dyn is a dynamic parameter.
func Dyn(index int, v any) any { return map[string][]any{"dyn": {index, plain(v)}} }

// OneOf is one of several values.
func OneOf(v ...any) any {
	for i := range v {
		v[i] = plain(v[i])
	}
	return map[string][]any{"oneof": v}
}

// plain turns bytes into their form in a statement.
func plain(v any) any {
	if b, ok := v.([]byte); ok {
		return map[string]string{"hex": hex.EncodeToString(b)}
	}
	return v
}

// form is a value in a statement that is an object.
type form struct {
	Any, Nonzero bool
	Between      []int64
	Hex          *string
	Names        *string
	Min, Max     *int64
	Prefix, Has  *string
	Var          *string
	Unix         []string
	Dyn          []json.RawMessage
	OneOf        []json.RawMessage
}

// compare holds bytes of an event against a stated value; the answer is "" or
// what was expected.
func (m *matcher) compare(p *spec.Param, raw json.RawMessage, got []byte) string {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0:
		return "(nothing was stated)"
	case string(raw) == "null":
		return expected(len(got) == 0, "length 0")
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err.Error()
		}
		return expected(string(got) == s+"\x00", strconv.Quote(s))
	case raw[0] != '{':
		return compareInt(p.Type, string(raw), got)
	}
	var f form
	if err := json.Unmarshal(raw, &f); err != nil {
		return err.Error()
	}
	v, isInt := event.Int(p.Type, got)
	switch {
	case f.Any:
		return ""
	case f.Nonzero:
		return expected(isInt && v != 0, "not 0")
	case f.Hex != nil:
		want, err := hex.DecodeString(*f.Hex)
		return expected(err == nil && bytes.Equal(want, got), "x:"+*f.Hex)
	case f.Names != nil:
		want, err := flags(p, *f.Names)
		if err != nil {
			return err.Error()
		}
		return expected(isInt && (uint64(v)^want)&^m.unknowable(p) == 0, fmt.Sprintf("%#x (%s)", want, *f.Names))
	case f.Min != nil:
		return expected(isInt && v >= *f.Min, fmt.Sprint("at least ", *f.Min))
	case f.Max != nil:
		return expected(isInt && v <= *f.Max && v >= 0, fmt.Sprint("at most ", *f.Max))
	case len(f.Between) == 2:
		return expected(isInt && v >= f.Between[0] && v <= f.Between[1], fmt.Sprint("between ", f.Between[0], " and ", f.Between[1]))
	case f.Prefix != nil:
		return expected(bytes.HasPrefix(got, []byte(*f.Prefix)), *f.Prefix+"...")
	case f.Has != nil:
		return expected(bytes.Contains(got, []byte(*f.Has)), "..."+*f.Has+"...")
	case f.Var != nil:
		return m.identity(*f.Var, uint64(v), isInt)
	case len(f.Unix) == 3:
		return m.compareUnix(f.Unix, got)
	case len(f.Dyn) == 2:
		return m.compareDyn(p, f.Dyn, got)
	case len(f.OneOf) > 0:
		for _, one := range f.OneOf {
			if m.compare(p, one, got) == "" {
				return ""
			}
		}
	}
	return string(raw)
}

func expected(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

// compareInt takes an integer that fits the parameter's type, whatever its sign.
func compareInt(t spec.Type, text string, got []byte) string {
	var want uint64
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		want = uint64(v)
	} else if want, err = strconv.ParseUint(text, 10, 64); err != nil {
		return "not a number: " + text
	}
	if t.Size() == 0 {
		return "an integer, " + text + ", but the parameter is none"
	}
	b := le.AppendUint64(nil, want)
	return expected(bytes.Equal(b[:min(8, t.Size())], got), text)
}

// flags returns the portable value of names.
func flags(p *spec.Param, names string) (v uint64, err error) {
	t := spec.FindTable(p.Table)
	if t == nil {
		return 0, fmt.Errorf("parameter %s has no table", p.Name)
	}
	for name := range strings.SplitSeq(names, "|") {
		f := t.Find(name)
		if f == nil {
			return 0, fmt.Errorf("table %s has no %s", p.Table, name)
		}
		v |= f.Value
	}
	return v, nil
}

// unknowable returns those flags of a parameter that the driver cannot tell.
func (m *matcher) unknowable(p *spec.Param) (v uint64) {
	for name := range strings.SplitSeq(m.unknown, "|") {
		if f := spec.FindTable(p.Table).Find(name); f != nil {
			v |= f.Value
		}
	}
	return v
}

// identity binds a name at its first use and compares from then on. Two names
// never have the same value; the name "0" is 0, "*" any number, and "a?" is a or 0:
// what some drivers can't know.
func (m *matcher) identity(name string, v uint64, ok bool) string {
	if base, maybe := strings.CutSuffix(name, "?"); maybe {
		if ok && v == 0 {
			return ""
		}
		name = base
	}
	if name == "0" {
		return expected(ok && v == 0, "0")
	}
	if name == "*" {
		return expected(ok, "an integer")
	}
	if want, bound := m.vars[name]; bound {
		return expected(ok && v == want, fmt.Sprintf("%#x, as %s before", want, name))
	}
	if !ok || v == 0 {
		return "an identity"
	}
	for other, w := range m.vars {
		if w == v {
			return fmt.Sprintf("another value than %#x, which is %s", v, other)
		}
	}
	m.vars[name] = v
	return ""
}

// compareUnix takes a tuple of a Unix socket (docs/wire.md:
// family, two identities, a path and its NUL).
func (m *matcher) compareUnix(want []string, got []byte) string {
	const family = 1 // AF_UNIX
	what := fmt.Sprintf("a Unix tuple (%s, %s, %q)", want[0], want[1], want[2])
	if len(got) < 18 || got[0] != family || string(got[17:]) != want[2]+"\x00" {
		return what
	}
	for i := range 2 {
		if w := m.identity(want[i], le.Uint64(got[1+8*i:]), true); w != "" {
			return what + ": identity " + want[i] + ": " + w
		}
	}
	return ""
}

func (m *matcher) compareDyn(p *spec.Param, want []json.RawMessage, got []byte) string {
	index, err := strconv.Atoi(string(want[0]))
	table := spec.FindDyn(p.Dyn)
	if err != nil || table == nil || index >= len(table.Entries) {
		return "a value that the dynamic table lacks"
	}
	if len(got) == 0 || int(got[0]) != index {
		return fmt.Sprintf("index %d", index)
	}
	as := spec.Param{Name: p.Name, Type: table.Entries[index].Type}
	return m.compare(&as, want[1], got[1:])
}
