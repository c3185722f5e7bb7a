package document

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readJSON reads valid JSON into a tree, numbers as they are written. A node's Column is
// where its text begins, in bytes from 1.
func readJSON(text string) *yaml.Node {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return jsonValue(dec, text)
}

// jsonValue reads the next value; the text has been validated, so nothing fails but
// the end.
func jsonValue(dec *json.Decoder, text string) *yaml.Node {
	at := int(dec.InputOffset())
	at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\r\n,:")) + 1
	n := jsonNode(dec, text)
	n.Line, n.Column = 1, at
	return n
}

func jsonNode(dec *json.Decoder, text string) *yaml.Node {
	token, err := dec.Token()
	if err != nil {
		return String("")
	}
	switch t := token.(type) {
	case json.Delim:
		n := Map()
		if t == '[' {
			n = List(false)
		}
		for dec.More() {
			n.Content = append(n.Content, jsonValue(dec, text))
			if t == '{' {
				n.Content = append(n.Content, jsonValue(dec, text))
			}
		}
		_, _ = dec.Token() // the closing one
		return n
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: numberTag(t.String()), Value: t.String()}
	case bool:
		if t {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
}

func numberTag(s string) string {
	if strings.ContainsAny(s, ".eE") {
		return "!!float"
	}
	return "!!int"
}

// ReadJSON reads a JSON value into a tree.
func ReadJSON(text []byte) (*yaml.Node, error) {
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	return fresh(readJSON(string(text))), nil
}

// JSON writes a tree as JSON, without blanks.
func JSON(n *yaml.Node) []byte {
	var b bytes.Buffer
	appendJSON(&b, n)
	return b.Bytes()
}

// A jsonWriter writes a tree as JSON: what is as it was read, as it was written, and
// the rest laid out as the text is.
type jsonWriter struct {
	bytes.Buffer
	text   string             // as read
	before map[int]*yaml.Node // what was read, by Column
	unit   string             // of indentation
	lines  bool               // the text is on several lines
	blank  string             // stands behind colons and commas
}

// writeJSON writes a tree as JSON, as a text that said before.
func writeJSON(n, before *yaml.Node, text string) string {
	body := strings.TrimSpace(text)
	at := strings.Index(text, body)
	w := &jsonWriter{text: body, before: map[int]*yaml.Node{}}
	w.unit, w.lines = jsonIndent(body)
	if strings.Contains(body, "\": ") {
		w.blank = " "
	}
	w.note(before)
	w.value(n, "", w.lines)
	return text[:at] + w.String() + text[at+len(body):]
}

func (w *jsonWriter) note(n *yaml.Node) {
	w.before[n.Column] = n
	for _, c := range n.Content {
		w.note(c)
	}
}

// value writes a value whose first line is indented as given; lines says whether what
// is new may take several.
func (w *jsonWriter) value(n *yaml.Node, indent string, lines bool) {
	n = resolve(n)
	before := w.before[n.Column]
	if n.Column == 0 {
		before = nil
	}
	if before != nil && Equal(n, before) {
		w.WriteString(w.text[n.Column-1 : w.end(n.Column-1)])
		return
	}
	if n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		appendJSON(&w.Buffer, n)
		return
	}
	step, brackets := 1, "[]"
	if n.Kind == yaml.MappingNode {
		step, brackets = 2, "{}"
	}
	inner, between, last := indent+w.unit, ","+w.blank, ""
	if before != nil && len(before.Content) > 0 {
		lines = w.tall(before)
	}
	if lines {
		newline := endings("\n", w.text)
		between, last = ","+newline+inner, newline+indent
		w.WriteString(brackets[:1] + newline + inner)
	} else {
		inner = indent
		w.WriteString(brackets[:1])
	}
	for i := 0; i+step <= len(n.Content); i += step {
		if i > 0 {
			w.WriteString(between)
		}
		if step == 2 {
			quote(&w.Buffer, n.Content[i].Value)
			w.WriteString(":" + w.blank)
		}
		w.value(n.Content[i+step-1], inner, lines)
	}
	w.WriteString(last + brackets[1:])
}

// tall reports whether the members of a mapping or sequence that was read are on lines
// of their own.
func (w *jsonWriter) tall(before *yaml.Node) bool {
	return strings.HasPrefix(strings.TrimLeft(w.text[before.Column:], " \t\r"), "\n")
}

// end is where the value that begins at a place of the text ends.
func (w *jsonWriter) end(at int) int {
	var v json.RawMessage
	dec := json.NewDecoder(strings.NewReader(w.text[at:]))
	if dec.Decode(&v) != nil {
		return at
	}
	return at + int(dec.InputOffset())
}

// jsonIndent is the indentation of the second line, and whether there is one.
func jsonIndent(text string) (string, bool) {
	_, rest, ok := strings.Cut(strings.TrimSpace(text), "\n")
	if !ok {
		return "", false
	}
	return rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))], true
}

func appendJSON(b *bytes.Buffer, n *yaml.Node) {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			quote(b, n.Content[i].Value)
			b.WriteByte(':')
			appendJSON(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSON(b, c)
		}
		b.WriteByte(']')
	default:
		if tag := n.ShortTag(); tag == "!!str" || !json.Valid([]byte(n.Value)) {
			quote(b, n.Value)
		} else {
			b.WriteString(n.Value)
		}
	}
}

// quote writes a JSON string; characters of HTML stay as they are.
func quote(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be encoded
	b.Truncate(b.Len() - 1)
}
