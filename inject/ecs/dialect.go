package ecs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// A dialect writes the names of fields: the API and CloudFormation have the same
// fields, in other spellings.
type dialect func(field string) string

// api is the spelling of RegisterTaskDefinition: containerDefinitions.
func api(field string) string { return field }

// template is the spelling of AWS::ECS::TaskDefinition: ContainerDefinitions.
func template(field string) string { return strings.ToUpper(field[:1]) + field[1:] }

// fields makes a mapping of names of fields, each followed by its value: a node or a Go
// value.
func (key dialect) fields(pairs ...any) *yaml.Node {
	m := document.Map()
	for i := 0; i+1 < len(pairs); i += 2 {
		document.Set(m, key(pairs[i].(string)), node(pairs[i+1]))
	}
	return m
}

// node is a value as a tree.
func node(v any) *yaml.Node {
	if n, ok := v.(*yaml.Node); ok {
		return n
	}
	return document.Make(v)
}

// literal reports whether a node is of a kind, and says itself what it means:
// CloudFormation's functions, as tags or as mappings of one key, do not.
func literal(n *yaml.Node, kind yaml.Kind) bool {
	if n == nil || n.Kind != kind || !strings.HasPrefix(n.ShortTag(), "!!") {
		return false
	}
	if kind != yaml.MappingNode || len(n.Content) != 2 {
		return true
	}
	name := n.Content[0].Value
	return name != "Ref" && !strings.HasPrefix(name, "Fn::")
}

// absentOr reports whether a value is missing or a literal of a kind.
func absentOr(n *yaml.Node, kind yaml.Kind) bool { return n == nil || literal(n, kind) }

// alternatives are what an item of a list may be: the branches of an If that are
// mappings, else itself.
func alternatives(n *yaml.Node) []*yaml.Node {
	branches := n
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "Fn::If" {
		branches = n.Content[1]
	} else if n.ShortTag() != "!If" {
		return []*yaml.Node{n}
	}
	if branches.Kind != yaml.SequenceNode || len(branches.Content) != 3 {
		return []*yaml.Node{n}
	}
	var found []*yaml.Node
	for _, b := range document.EditItems(branches)[1:] {
		if literal(b, yaml.MappingNode) {
			found = append(found, alternatives(b)...)
		}
	}
	return found
}

// computed stands for a word that is not known before deployment.
const computed = "\x00"

// words are the items of a list of strings, computed ones too.
func words(n *yaml.Node) (values []string, ok bool) {
	if !absentOr(n, yaml.SequenceNode) {
		return nil, false
	}
	for _, item := range document.Items(n) {
		if literal(item, yaml.ScalarNode) {
			values = append(values, item.Value)
		} else {
			values = append(values, computed)
		}
	}
	return values, true
}

// written is a value as the text writes it, for people and for map files.
func written(n *yaml.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode:
		return string(document.JSON(n))
	case strings.HasPrefix(n.ShortTag(), "!!"):
		return n.Value
	}
	return fmt.Sprintf("%s %s", n.ShortTag(), n.Value)
}

// same reports whether a node says what another one does, and beyond it no more than
// the API fills in: empty lists and objects, zeroes.
func same(have, want *yaml.Node) bool {
	if have == nil || have.Kind != want.Kind || have.ShortTag() != want.ShortTag() {
		return false
	}
	switch want.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(want.Content); i += 2 {
			if !same(document.Get(have, want.Content[i].Value), want.Content[i+1]) {
				return false
			}
		}
		for i := 0; i+1 < len(have.Content); i += 2 {
			if document.Get(want, have.Content[i].Value) == nil && !empty(have.Content[i+1]) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		if len(have.Content) != len(want.Content) {
			return false
		}
		for i := range want.Content {
			if !same(have.Content[i], want.Content[i]) {
				return false
			}
		}
		return true
	}
	return document.Equal(have, want)
}

func empty(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return n.Value == "0" || n.ShortTag() == "!!null"
	}
	return len(n.Content) == 0
}

// upsert puts an item into a mapping's list in place of the one of its name, else at
// the end. A new list goes behind the keys after.
func upsert(m *yaml.Node, key, nameKey string, item *yaml.Node, after ...string) {
	list := document.EditList(m, key, after...)
	for i, n := range list.Content {
		if document.Text(n, nameKey) == document.Text(item, nameKey) {
			if !same(n, item) {
				list.Content[i] = item
			}
			return
		}
	}
	list.Content = append(list.Content, item)
	list.Style &^= yaml.FlowStyle
}
