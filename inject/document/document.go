// Package document edits YAML and JSON text so that what is not touched stays as it
// was, byte for byte.
//
// In a nutshell: Parse cuts a stream into documents and reads each into a tree
// (yaml.Node); callers edit the tree (node.go); Text compares it with what was read
// and carries only the differences over to the text, line by line (patch.go). What
// comes out is read again and must say what the tree says; if it does not, because
// the text was laid out in a way that can't be patched, the document is written anew
// from the tree, comments and order kept, blank lines lost. Of JSON, values that
// are as they were stay as they are written; the mappings and lists around the others
// are laid out as the text is.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A Document is one document of a stream.
type Document struct {
	Root *yaml.Node // its content, to be edited; nil if it has none
	Line int        // its first line in the stream, from 1

	text   string     // as read, the marker line before it included
	before *yaml.Node // Root as read
	json   bool
}

// An Error tells where a stream can't be read.
type Error struct {
	Line, Column int // from 1; Column 0 if unknown
	Problem      string
}

func (e *Error) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// marker begins a document. A line like it can't be content, not even of a scalar
// (YAML 1.2.2, 9.1.2).
var marker = regexp.MustCompile(`^---([ \t\r\n]|$)`)

// Parse reads a stream. Joined, the documents' texts are the stream.
func Parse(stream []byte) ([]*Document, error) {
	var docs []*Document
	for _, c := range split(string(stream)) {
		d, err := parse(c.text)
		if err != nil {
			var at *Error
			if errors.As(err, &at) {
				at.Line += c.line - 1
			}
			return nil, err
		}
		d.Line = c.line
		docs = append(docs, d)
	}
	return docs, nil
}

type chunk struct {
	text string
	line int
}

// split cuts a stream before each marker. Directives and comments before the first
// marker belong to its document.
func split(stream string) []chunk {
	var chunks []chunk
	start, line, first := 0, 1, 1
	content := false // something other than comments since start
	offset := 0
	for l := range strings.Lines(stream) {
		if marker.MatchString(l) && content {
			chunks = append(chunks, chunk{stream[start:offset], first})
			start, first = offset, line
		}
		if t := strings.TrimSpace(l); t != "" && t[0] != '#' && t[0] != '%' {
			content = true
		}
		offset += len(l)
		line++
	}
	if start < len(stream) {
		chunks = append(chunks, chunk{stream[start:], first})
	}
	return chunks
}

// parse reads one document.
func parse(text string) (*Document, error) {
	d := &Document{text: text}
	if t := strings.TrimSpace(text); t != "" && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(t)) {
		d.json = true
		d.Root = readJSON(t)
		if k := twice(d.Root); k != nil {
			at := len(text) - len(strings.TrimLeft(text, " \t\r\n")) + k.Column - 1
			return nil, &Error{Line: 1 + strings.Count(text[:min(at, len(text))], "\n"), Problem: isTwice(k)}
		}
		d.before = clone(d.Root)
		return d, nil
	}
	root, err := decode(text)
	if err != nil {
		return nil, err
	}
	if root != nil {
		d.Root, d.before = root, clone(root)
	}
	return d, nil
}

// decode reads the one document of a text; nil if it has none.
func decode(text string) (*yaml.Node, error) {
	dec, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var n, more yaml.Node
	switch err := dec.Load(&n); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, located(err)
	}
	if err := dec.Load(&more); err == nil {
		return nil, &Error{Line: more.Line, Problem: "a second document begins without a line of ---"}
	} else if !errors.Is(err, io.EOF) {
		return nil, located(err)
	}
	if len(n.Content) == 0 || isNull(n.Content[0]) {
		return nil, nil
	}
	if a := cycle(n.Content[0], map[*yaml.Node]bool{}); a != nil {
		return nil, &Error{Line: a.Line, Column: a.Column, Problem: fmt.Sprintf("the alias *%s stands for something that contains it", a.Value)}
	}
	if k := twice(n.Content[0]); k != nil {
		return nil, &Error{Line: k.Line, Column: k.Column, Problem: isTwice(k)}
	}
	return n.Content[0], nil
}

func isTwice(key *yaml.Node) string { return fmt.Sprintf("the key %q is there twice", key.Value) }

// Text is the document's text with the edits in it.
func (d *Document) Text() (string, error) {
	if d.Root == nil || Equal(d.Root, d.before) {
		return d.text, nil
	}
	if d.json {
		return writeJSON(d.Root, d.before, d.text), nil
	}
	if text, ok := patch(d.text, d.before, d.Root); ok && says(text, d.Root) {
		return text, nil
	}
	text, err := rewrite(d.text, d.Root)
	if err != nil {
		return "", err
	}
	if !says(text, d.Root) {
		return "", &Error{Line: d.Line, Problem: "the document is written in a way that can't be edited"}
	}
	return text, nil
}

// Original is the document's text as it was read.
func (d *Document) Original() string { return d.text }

// Changed reports whether the tree differs from what was read.
func (d *Document) Changed() bool { return d.Root != nil && !Equal(d.Root, d.before) }

// Join is the stream of the documents.
func Join(docs []*Document) ([]byte, error) {
	var b bytes.Buffer
	for _, d := range docs {
		text, err := d.Text()
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	return b.Bytes(), nil
}

// says reports whether a text is that tree.
func says(text string, root *yaml.Node) bool {
	n, err := decode(text)
	return err == nil && n != nil && Equal(n, root)
}

// rewrite writes a document anew, with the marker line and the ends of lines that it
// had.
func rewrite(text string, root *yaml.Node) (string, error) {
	out, err := encode(root, styleOf(root))
	if err != nil {
		return "", err
	}
	head := ""
	for l := range strings.Lines(text) {
		if marker.MatchString(l) {
			head += "---\n"
			break
		}
		if t := strings.TrimSpace(l); t != "" && t[0] == '%' {
			head += strings.TrimRight(l, "\r\n") + "\n"
		} else if t != "" && t[0] != '#' {
			break
		}
	}
	return endings(head+out, text), nil
}

// encode writes a tree as text. The library takes tags out of the nodes that it writes (v4.0.0, desolver.go), so it
// gets a copy.
func encode(n *yaml.Node, s style) (string, error) {
	c := clone(n)
	spell(c)
	out, err := yaml.Dump(c, yaml.WithV3Defaults(), yaml.WithIndent(s.indent), yaml.WithCompactSeqIndent(s.compact), yaml.WithLineWidth(-1))
	return string(out), err
}

// spell writes nulls out, of which nothing stands in the text: in flow style the library
// makes them empty strings.
func spell(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value == "" && isNull(n) {
		n.Value = "null"
	}
	for _, c := range n.Content {
		spell(c)
	}
}

// endings gives new text the ends of lines of the old.
func endings(text, like string) string {
	if strings.Contains(like, "\r\n") {
		return strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// located is an error of the library with its position.
func located(err error) error {
	if at, ok := errors.AsType[*yaml.LoadError](err); ok {
		return &Error{Line: max(at.Mark.Line, 1), Column: at.Mark.Column, Problem: at.Message}
	}
	return &Error{Line: 1, Problem: err.Error()}
}
