package k8s

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// kinds are the objects that hold pods: the API group and kind, and the path to what
// has the pod's metadata and spec.
var kinds = map[string][]string{
	"/Pod":                   {},
	"/ReplicationController": {"spec", "template"},
	"/PodTemplate":           {"template"},
	"apps/Deployment":        {"spec", "template"},
	"apps/DaemonSet":         {"spec", "template"},
	"apps/StatefulSet":       {"spec", "template"},
	"apps/ReplicaSet":        {"spec", "template"},
	"batch/Job":              {"spec", "template"},
	"batch/CronJob":          {"spec", "jobTemplate", "spec", "template"},
}

// groupKind names an object's API group and kind as kinds does.
func groupKind(n *yaml.Node) string {
	group, _, ok := strings.Cut(document.Text(n, "apiVersion"), "/")
	if !ok {
		group = "" // v1
	}
	return group + "/" + document.Text(n, "kind")
}

// holder finds what holds a pod's metadata and spec, for editing.
func holder(n *yaml.Node) (*yaml.Node, bool) {
	keys, ok := kinds[groupKind(n)]
	if !ok {
		return nil, false
	}
	for _, k := range keys {
		if n = document.Edit(n, k); n == nil {
			return nil, false
		}
	}
	return n, n.Kind == yaml.MappingNode
}

// isList reports whether an object is a List, or one of a certain kind.
func isList(n *yaml.Node) bool {
	items := document.Get(n, "items")
	return strings.HasSuffix(document.Text(n, "kind"), "List") && items != nil && items.Kind == yaml.SequenceNode
}

// Name is an object's kind, namespace and name, as results show them.
func Name(n *yaml.Node) string {
	kind, name := document.Text(n, "kind"), document.Text(n, "metadata", "name")
	if kind == "" {
		kind = "document without a kind"
	}
	if name == "" {
		if name = document.Text(n, "metadata", "generateName"); name != "" {
			name += "*"
		}
	}
	if ns := document.Text(n, "metadata", "namespace"); ns != "" {
		name = ns + "/" + name
	}
	return strings.TrimRight(kind+" "+name, " ")
}
