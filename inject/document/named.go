package document

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Find returns the mapping of a sequence that has this text at a key, nil if there is
// none. Like Get, it is for reading.
func Find(list *yaml.Node, key, value string) *yaml.Node {
	for _, n := range Items(list) {
		if v := Get(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Value == value {
			return n
		}
	}
	return nil
}

// RemoveItem takes the mappings that have this text at nameKey out of the sequence at
// a mapping's key, and the sequence with its last item.
func RemoveItem(m *yaml.Node, key, nameKey, name string) {
	if Find(Get(m, key), nameKey, name) == nil {
		return
	}
	list := Edit(m, key)
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return Text(n, nameKey) == name })
	if len(list.Content) == 0 {
		Remove(m, key)
	}
}

// EditMap is the mapping at a mapping's key for editing, made if it is not there.
func EditMap(m *yaml.Node, key string, after ...string) *yaml.Node {
	v := Edit(m, key)
	if v == nil || v.Kind != yaml.MappingNode {
		v = Map()
		Set(m, key, v, after...)
	}
	return v
}

// EditList is the sequence at a mapping's key for editing, made if it is not there.
func EditList(m *yaml.Node, key string, after ...string) *yaml.Node {
	v := Edit(m, key)
	if v == nil || v.Kind != yaml.SequenceNode {
		v = List(false)
		Set(m, key, v, after...)
	}
	return v
}
