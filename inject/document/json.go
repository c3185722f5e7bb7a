package document

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readJSON reads valid JSON into a tree, numbers as they are written.
func readJSON(text string) *yaml.Node {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return jsonValue(dec)
}

// jsonValue reads the next value; the text has been validated, so nothing fails but
// the end.
func jsonValue(dec *json.Decoder) *yaml.Node {
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
			n.Content = append(n.Content, jsonValue(dec))
			if t == '{' {
				n.Content = append(n.Content, jsonValue(dec))
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
	return readJSON(string(text)), nil
}

// JSON writes a tree as JSON, without blanks.
func JSON(n *yaml.Node) []byte {
	var b bytes.Buffer
	appendJSON(&b, n)
	return b.Bytes()
}

// writeJSON writes a tree as JSON, laid out as a text is.
func writeJSON(n *yaml.Node, like string) string {
	out := JSON(n)
	if indent, ok := jsonIndent(like); ok {
		var b bytes.Buffer
		if json.Indent(&b, out, "", indent) == nil {
			out = b.Bytes()
		}
	}
	head := like[:len(like)-len(strings.TrimLeft(like, " \t\r\n"))]
	tail := like[len(strings.TrimRight(like, " \t\r\n")):]
	return head + endings(string(out), like) + tail
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
