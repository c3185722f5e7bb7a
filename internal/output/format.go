package output

import (
	"fmt"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
)

// A piece of a format is text or a field.
type piece struct {
	text  string
	field *Field
	arg   string
	width int // bytes of the column, 0 for none
}

// parseFormat takes a format apart.
func parseFormat(format string) ([]piece, error) {
	var pieces []piece
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			pieces = append(pieces, piece{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(format); {
		switch c := format[i]; {
		case c == '\\' && i+1 < len(format) && strings.IndexByte(`nt\`, format[i+1]) >= 0:
			text.WriteByte(map[byte]byte{'n': '\n', 't': '\t', '\\': '\\'}[format[i+1]])
			i += 2
		case c == '%' && i+1 < len(format) && format[i+1] == '%':
			text.WriteByte('%')
			i += 2
		case c == '%':
			p, n, err := parseField(format[i+1:])
			if err != nil {
				return nil, err
			}
			flush()
			pieces = append(pieces, p)
			i += 1 + n
		default:
			text.WriteByte(c)
			i++
		}
	}
	flush()
	return pieces, nil
}

// maxWidth bounds columns.
const maxWidth = 1 << 12

// parseField takes the field at the start of s and returns its length.
func parseField(s string) (piece, int, error) {
	var p piece
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		if p.width = p.width*10 + int(s[i]-'0'); p.width > maxWidth {
			return p, 0, fmt.Errorf("column in format is wider than %d", maxWidth)
		}
		i++
	}
	j := i
	for j < len(s) && isNameByte(s[j]) {
		j++
	}
	name := strings.TrimRight(s[i:j], ".")
	j = i + len(name)
	if name == "" {
		return p, 0, fmt.Errorf("%% in format is not followed by a field name (%%%% is a percent sign)")
	}
	p.field, p.arg = findField(name)
	if p.field == nil {
		return p, 0, unknownField(name)
	}
	if p.field.Arg && p.arg == "" && j < len(s) && s[j] == '[' {
		end := strings.IndexByte(s[j:], ']')
		if end < 0 {
			return p, 0, fmt.Errorf("field %s in format lacks a closing ]", name)
		}
		p.arg = s[j+1 : j+end]
		j += end + 1
	}
	if p.field.Arg && p.arg == "" {
		return p, 0, fmt.Errorf("field %s needs an argument, as in %s", name, p.field.Example)
	}
	return p, j, nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.'
}

// findField returns the field of a name and, for NAME.ARG, the argument.
func findField(name string) (*Field, string) {
	if f := fieldByName[name]; f != nil {
		return f, ""
	}
	for i := len(name) - 1; i > 0; i-- {
		if name[i] != '.' {
			continue
		}
		if f := fieldByName[name[:i]]; f != nil && f.Arg {
			return f, name[i+1:]
		}
	}
	return nil, ""
}

func unknownField(name string) error {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	if best := event.Nearest(name, names); best != "" {
		return fmt.Errorf("unknown field %s in format, is it %s?", name, best)
	}
	return fmt.Errorf("unknown field %s in format", name)
}
