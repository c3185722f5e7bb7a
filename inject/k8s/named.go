package k8s

import (
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// upsert puts an item into a mapping's list in place of the one of its name, else at
// the list's head or end. A new list goes behind the keys after.
func upsert(m *yaml.Node, key, name string, item *yaml.Node, head bool, after ...string) {
	list := document.Edit(m, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		list = document.List(false)
		document.Set(m, key, list, after...)
	}
	for i, n := range list.Content {
		if document.Text(n, "name") == name {
			if !covers(n, item) || extra(n, item) {
				list.Content[i] = item
			}
			return
		}
	}
	at := len(list.Content)
	if head {
		at = 0
	}
	list.Content = slices.Insert(list.Content, at, item)
	list.Style &^= yaml.FlowStyle
}

// covers reports whether a node says all that another one wants. It may say more: the
// API server fills in what is not given, and admission mounts tokens.
func covers(have, want *yaml.Node) bool {
	if have.Kind != want.Kind || have.Value != want.Value {
		return false
	}
	if want.Kind != yaml.MappingNode {
		for _, w := range want.Content {
			if !slices.ContainsFunc(have.Content, func(h *yaml.Node) bool { return covers(h, w) }) {
				return false
			}
		}
		return true
	}
	for i := 0; i+1 < len(want.Content); i += 2 {
		h := document.Get(have, want.Content[i].Value)
		if h == nil || !covers(h, want.Content[i+1]) {
			return false
		}
	}
	return true
}

// extra reports whether a node has what no one but us would have put there, and which
// is not wanted any more.
func extra(have, want *yaml.Node) bool {
	for _, key := range []string{"securityContext", "resources", "command"} {
		h, w := document.Get(have, key), document.Get(want, key)
		if h != nil && (w == nil || !covers(w, h)) && len(h.Content) > 0 {
			return true
		}
	}
	return false
}
