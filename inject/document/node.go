package document

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// mergeKey takes over the pairs of other mappings (yaml.org/type/merge.html).
const mergeKey = "<<"

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Get returns the value of a key, followed through aliases and merge keys; nil if the
// node is no mapping, the key is missing, or its value is null. It is not to be
// edited: see Edit.
func Get(m *yaml.Node, key string) *yaml.Node { return get(m, key, nil) }

// get looks a key up; seen are the mappings that were looked through, of which merge
// keys may name one many times.
func get(m *yaml.Node, key string, seen map[*yaml.Node]bool) *yaml.Node {
	m = resolve(m)
	if m == nil || m.Kind != yaml.MappingNode || seen[m] {
		return nil
	}
	if i := index(m, key); i >= 0 {
		if v := resolve(m.Content[i+1]); v != nil && !isNull(v) {
			return v
		}
		return nil
	}
	i := index(m, mergeKey)
	if i < 0 {
		return nil
	}
	if seen == nil {
		seen = map[*yaml.Node]bool{}
	}
	seen[m] = true
	from := resolve(m.Content[i+1])
	if from.Kind == yaml.MappingNode {
		return get(from, key, seen)
	}
	for _, f := range from.Content {
		if v := get(f, key, seen); v != nil {
			return v
		}
	}
	return nil
}

// Walk gets the value at the end of a path of keys.
func Walk(m *yaml.Node, keys ...string) *yaml.Node {
	for _, k := range keys {
		m = Get(m, k)
	}
	return m
}

// Text returns a scalar's value at the end of a path of keys, "" if there is none.
func Text(m *yaml.Node, keys ...string) string {
	if n := Walk(m, keys...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// Strings returns the values of a sequence of scalars, and whether it is one; a
// missing sequence is an empty one.
func Strings(n *yaml.Node) (values []string, ok bool) {
	n = resolve(n)
	if n == nil {
		return nil, true
	}
	if n.Kind != yaml.SequenceNode {
		return nil, false
	}
	for _, item := range n.Content {
		if item = resolve(item); item.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!int", "!!bool", "!!float"}, item.ShortTag()) {
			return nil, false
		}
		values = append(values, item.Value)
	}
	return values, true
}

// Items are the members of a sequence, followed through aliases.
func Items(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var items []*yaml.Node
	for _, item := range n.Content {
		items = append(items, resolve(item))
	}
	return items
}

// Edit returns the value of a key for editing: where it came by an alias or a merge
// key, the mapping gets a copy of its own. nil as in Get.
func Edit(m *yaml.Node, key string) *yaml.Node {
	v := Get(m, key)
	if v == nil {
		return nil
	}
	if i := index(m, key); i >= 0 && m.Content[i+1] == v {
		return v
	}
	v = fresh(clone(v))
	Set(m, key, v)
	return v
}

// EditItems returns the members of a sequence for editing, as Edit does.
func EditItems(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for i, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			n.Content[i] = fresh(clone(resolve(item)))
		}
	}
	return n.Content
}

// Set gives a key a value. A new key goes behind the first of the keys after that is
// there, else to the end.
func Set(m *yaml.Node, key string, value *yaml.Node, after ...string) {
	if i := index(m, key); i >= 0 {
		m.Content[i+1] = value
		return
	}
	at := len(m.Content)
	for _, a := range after {
		if i := index(m, a); i >= 0 {
			at = i + 2
			break
		}
	}
	m.Content = slices.Insert(m.Content, at, String(key), value)
}

// Remove takes a key away.
func Remove(m *yaml.Node, key string) {
	if i := index(m, key); i >= 0 {
		m.Content = slices.Delete(m.Content, i, i+2)
	}
}

// index finds a key's place in a mapping's content, -1 if it is not there.
func index(m *yaml.Node, key string) int {
	if m != nil && m.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if m.Content[i].Value == key && m.Content[i].Kind == yaml.ScalarNode {
				return i
			}
		}
	}
	return -1
}

// New makes a tree of a Go value, as the yaml library encodes it.
func New(v any) (*yaml.Node, error) {
	var n yaml.Node
	if err := n.Encode(v); err != nil {
		return nil, err
	}
	return fresh(&n), nil
}

// Make is New for a value of our own, which can always be written.
func Make(v any) *yaml.Node {
	n, err := New(v)
	if err != nil {
		panic(err)
	}
	return n
}

// String makes a scalar.
func String(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if s == mergeKey {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// List makes a sequence of strings: on one line, where it is flow.
func List(flow bool, values ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if flow {
		n.Style = yaml.FlowStyle
	}
	for _, v := range values {
		n.Content = append(n.Content, String(v))
	}
	return n
}

// Like is a node with other content that stands where one that was read does, with its
// comments and style.
func Like(n *yaml.Node, content []*yaml.Node) *yaml.Node {
	c := *n
	c.Content = content
	return &c
}

// Map makes an empty mapping.
func Map() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// Copy copies a tree, for use at another place.
func Copy(n *yaml.Node) *yaml.Node { return fresh(clone(n)) }

// cycle returns an alias that stands for something around it, nil if there is none.
// around are the nodes around n.
func cycle(n *yaml.Node, around map[*yaml.Node]bool) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		if around[n.Alias] {
			return n
		}
		return nil
	}
	if n.Anchor != "" {
		around[n] = true
		defer delete(around, n)
	}
	for _, c := range n.Content {
		if found := cycle(c, around); found != nil {
			return found
		}
	}
	return nil
}

// twice returns a key that its mapping has had before, nil if there is none. Other readers
// refuse these, or take either value.
func twice(n *yaml.Node) *yaml.Node {
	keys := make(map[string]bool)
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.ScalarNode {
			if keys[c.Value] {
				return c
			}
			keys[c.Value] = true
		}
		if found := twice(c); found != nil {
			return found
		}
	}
	return nil
}

// fresh makes nodes new ones, of which the text knows nothing.
func fresh(n *yaml.Node) *yaml.Node {
	n.Line, n.Column, n.Anchor = 0, 0, ""
	for _, c := range n.Content {
		fresh(c)
	}
	return n
}

// clone copies a tree; what aliases stand for is not copied.
func clone(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, clone(child))
	}
	return &c
}

// Equal reports whether trees mean the same: comments and layout do not count.
func Equal(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind == yaml.ScalarNode && b.Kind == yaml.ScalarNode && isNull(a) && isNull(b) {
		return a.Anchor == b.Anchor // null has several spellings, nothing at all among them
	}
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind != yaml.AliasNode && a.ShortTag() != b.ShortTag() {
		return false
	}
	for i := range a.Content {
		if !Equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
