package document

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A patcher collects the differences between two trees as changes of lines. It works
// on block style, where every pair and every item has lines of its own; what is in
// flow style is replaced together with the pair or item around it.
type patcher struct {
	lines   []string // of the old text, ends included
	style   style
	changes []change
}

// A change replaces the lines from first up to, not including, last (both from 0) with
// text.
type change struct {
	first, last int
	text        string
}

// patch carries the differences from before to after over to the text. It reports
// false if the layout of the text does not allow it.
func patch(text string, before, after *yaml.Node) (string, bool) {
	if strings.ContainsAny(strings.ReplaceAll(text, "\r\n", ""), "\r\u0085\u2028\u2029") {
		return "", false // YAML 1.1 ends lines there too
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	p := &patcher{lines: slices.Collect(strings.Lines(text)), style: styleOf(before)}
	if !p.node(before, after, before.Line-2) {
		return "", false
	}
	slices.SortStableFunc(p.changes, func(a, b change) int { return a.first - b.first })
	var b strings.Builder
	at := 0
	for _, c := range p.changes {
		if c.first < at {
			return "", false
		}
		b.WriteString(strings.Join(p.lines[at:c.first], ""))
		b.WriteString(endings(c.text, text))
		at = c.last
	}
	b.WriteString(strings.Join(p.lines[at:], ""))
	return b.String(), true
}

// node compares two nodes that stand at the same place. keyLine is the line of the key
// or dash that the value belongs to, from 0.
func (p *patcher) node(before, after *yaml.Node, keyLine int) bool {
	switch {
	case Equal(before, after):
		return true
	case !same(before, after) || before.Kind != after.Kind || before.Style&yaml.FlowStyle != 0 || before.Anchor != after.Anchor:
		return false
	case before.Kind == yaml.MappingNode:
		return p.mapping(before, after)
	case before.Kind == yaml.SequenceNode:
		return p.sequence(before, after, keyLine)
	}
	return false
}

// same reports whether a node is the one that was read.
func same(before, after *yaml.Node) bool {
	return after.Line != 0 && before.Line == after.Line && before.Column == after.Column
}

func (p *patcher) mapping(before, after *yaml.Node) bool {
	if len(before.Content) == 0 {
		return false // is written as {}, in flow style
	}
	column := before.Content[0].Column
	if before.Content[0].Kind != yaml.ScalarNode {
		return false
	}
	i := 0
	end := -1 // of the pair before, in lines from 0
	for j := 0; j+1 < len(after.Content); j += 2 {
		key, value := after.Content[j], after.Content[j+1]
		if key.Line == 0 { // a new pair
			if end < 0 {
				return false // before the first, which may share its line with a dash
			}
			if !p.insert(end, column, pair(key, value)) {
				return false
			}
			continue
		}
		for ; i < len(before.Content) && !same(before.Content[i], key); i += 2 { // pairs taken away
			if end < 0 {
				return false
			}
			end = p.end(before.Content[i], column)
			p.changes = append(p.changes, change{before.Content[i].Line - 1, end, ""})
		}
		if i >= len(before.Content) {
			return false
		}
		line := key.Line - 1
		end = p.end(key, column)
		if !p.edit(before.Content[i+1], value, line, end, column, pair(key, value)) {
			return false
		}
		i += 2
	}
	for ; i < len(before.Content); i += 2 {
		if end < 0 {
			return false
		}
		p.changes = append(p.changes, change{before.Content[i].Line - 1, p.end(before.Content[i], column), ""})
	}
	return true
}

func (p *patcher) sequence(before, after *yaml.Node, keyLine int) bool {
	if len(before.Content) == 0 || len(after.Content) == 0 {
		return false
	}
	column := before.Column
	i := 0
	end := keyLine + 1
	for _, item := range after.Content {
		if item.Line == 0 { // a new one
			if end <= 0 || end >= before.Line && i == 0 {
				return false // the first dash stands behind its key or another dash
			}
			if !p.insert(end, column, dashed(item)) {
				return false
			}
			continue
		}
		for ; i < len(before.Content) && !same(before.Content[i], item); i++ {
			line, last := p.item(before.Content[i], column)
			if line < 0 {
				return false
			}
			p.changes = append(p.changes, change{line, last, ""})
			end = last
		}
		if i >= len(before.Content) {
			return false
		}
		line, last := p.item(before.Content[i], column)
		if line < 0 {
			return false
		}
		if !p.edit(before.Content[i], item, line, last, column, dashed(item)) {
			return false
		}
		end = last
		i++
	}
	for ; i < len(before.Content); i++ {
		line, last := p.item(before.Content[i], column)
		if line < 0 {
			return false
		}
		p.changes = append(p.changes, change{line, last, ""})
	}
	return true
}

// item finds the lines of a sequence's item: that of its dash, -1 if it does not begin
// a line, and the one behind its last.
func (p *patcher) item(n *yaml.Node, column int) (line, end int) {
	for line = n.Line - 1; line >= 0; line-- {
		if l := p.lines[line]; indent(l) == column-1 && strings.HasPrefix(l[column-1:], "-") {
			return line, p.after(line, column-1, false)
		}
		if line < n.Line-1 && !blank(p.lines[line]) {
			break
		}
	}
	return -1, -1
}

// end is the line behind the last one of a mapping's pair.
func (p *patcher) end(key *yaml.Node, column int) int { return p.after(key.Line-1, column-1, true) }

// after is the line behind the last that belongs to what begins on a line, at an
// indentation: deeper lines do, and where dashes may stand below their key, those.
// Blank lines and comments that are not deeper belong to what follows.
func (p *patcher) after(line, depth int, dashes bool) int {
	end := line + 1
	for i := line + 1; i < len(p.lines); i++ {
		l := p.lines[i]
		switch {
		case blank(l):
			continue
		case indent(l) > depth, dashes && indent(l) == depth && (strings.HasPrefix(l[depth:], "- ") || strings.TrimSpace(l[depth:]) == "-"):
			end = i + 1
		case strings.HasPrefix(l[indent(l):], "#"):
			continue
		default:
			return end
		}
	}
	return end
}

// edit changes what stands from line to end, whole, which is the pair or item around,
// if it can't be done in parts.
func (p *patcher) edit(before, after *yaml.Node, line, end, column int, whole *yaml.Node) bool {
	mark := len(p.changes)
	if p.node(before, after, line) {
		return true
	}
	p.changes = p.changes[:mark]
	return p.replace(line, end, column, whole)
}

func (p *patcher) insert(line, column int, n *yaml.Node) bool {
	text, ok := p.block(column, n)
	p.changes = append(p.changes, change{line, line, text})
	return ok
}

// replace puts new text for a pair or item. What stands before it on its line, as the
// dash does before an item's first pair, stays.
func (p *patcher) replace(line, end, column int, n *yaml.Node) bool {
	l := p.lines[line]
	if len(l) < column-1 {
		return false
	}
	text, ok := p.block(column, n)
	if !ok || len(text) < column-1 {
		return false
	}
	p.changes = append(p.changes, change{line, end, l[:column-1] + text[column-1:]})
	return true
}

// block writes a node as lines, indented to a column.
func (p *patcher) block(column int, n *yaml.Node) (string, bool) {
	text, err := encode(n, p.style)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !blank(l) {
			b.WriteString(strings.Repeat(" ", column-1))
		}
		b.WriteString(l)
	}
	return b.String(), true
}

// pair is a mapping of one pair. Comments around the pair stay where they are in the
// text, so they are not written again.
func pair(key, value *yaml.Node) *yaml.Node {
	k := *key
	k.HeadComment, k.FootComment = "", ""
	v := *value
	v.FootComment = ""
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{&k, &v}}
}

// dashed is a sequence of one item.
func dashed(item *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{item}}
}

// A style is how a document is laid out.
type style struct {
	indent  int  // blanks for each level
	compact bool // sequences stand at the column of their key
}

// styleOf is the style of the first places that tell, else that of kubectl and helm.
func styleOf(n *yaml.Node) style {
	s := style{}
	var compact *bool
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && c.Style&yaml.FlowStyle == 0 {
				key := n.Content[i-1]
				below := c.Line > key.Line && key.Line > 0
				switch {
				case c.Kind == yaml.SequenceNode && below && compact == nil:
					is := c.Column == key.Column
					compact = &is
				case c.Kind == yaml.MappingNode && below && s.indent == 0:
					s.indent = c.Column - key.Column
				}
			}
			visit(c)
		}
	}
	visit(n)
	s.compact = compact == nil || *compact
	if s.indent < 2 || s.indent > 8 {
		s.indent = 2
	}
	return s
}

func blank(l string) bool { return strings.TrimSpace(l) == "" }

// indent counts the blanks before a line's text.
func indent(l string) int { return len(l) - len(strings.TrimLeft(l, " ")) }
