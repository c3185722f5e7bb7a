package k8s

import (
	"context"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// InjectEphemeral wraps the ephemeral containers that a pod did not have before, where
// trace is in the pod. They are the only thing of a running pod that can be added to,
// so the pod stays as it is otherwise.
func (p *Pod) InjectEphemeral(ctx context.Context, o *Options, before *yaml.Node) []inject.Result {
	spec := document.Edit(p.Node, "spec")
	old := document.Walk(before, "spec", "ephemeralContainers")
	chosen, err := p.choose(o)
	if err == nil && !ours(spec) {
		err = inject.Skip("trace is not in the pod")
	}
	if err != nil {
		return []inject.Result{inject.Explain(p.Name, "", err)}
	}
	// What the annotations include are the pod's own containers.
	chosen.Containers = o.Containers
	var results []inject.Result
	for _, n := range document.EditItems(document.Edit(spec, "ephemeralContainers")) {
		c := &container{node: n, name: document.Text(n, "name")}
		if document.Find(old, "name", c.name) != nil {
			continue
		}
		err := c.chosen(chosen)
		if err == nil {
			err = c.wrap(ctx, chosen, p.image(spec))
		}
		results = append(results, inject.Explain(p.Name, c.name, err))
	}
	return results
}
