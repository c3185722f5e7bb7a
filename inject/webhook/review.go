package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gomodules.xyz/jsonpatch/v2"
	admission "k8s.io/api/admission/v1"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/k8s"
)

// systemNamespace holds the cluster's own pods, which are left alone.
const systemNamespace = "kube-system"

// review answers a request.
func (h *Handler) review(ctx context.Context, r *admission.AdmissionRequest) (*admission.AdmissionResponse, outcome) {
	if r.Namespace == systemNamespace || r.Namespace == h.Own || r.Resource.Resource != "pods" || r.Resource.Group != "" {
		return admit(r), skipped
	}
	switch {
	case r.SubResource == "" && r.Operation == admission.Create:
		return h.edit(r, func(pod *yaml.Node) ([]inject.Result, error) { return h.pod(ctx, r, pod), nil })
	case r.SubResource == "ephemeralcontainers" && r.Operation == admission.Update:
		return h.edit(r, func(pod *yaml.Node) ([]inject.Result, error) { return h.ephemeral(ctx, r, pod) })
	case r.SubResource == "exec" && r.Operation == admission.Connect && h.Exec:
		return h.edit(r, func(options *yaml.Node) ([]inject.Result, error) { return h.exec(ctx, r, options) })
	}
	return admit(r), skipped
}

// edit has the request's object edited, and answers with the differences.
func (h *Handler) edit(r *admission.AdmissionRequest, f func(object *yaml.Node) ([]inject.Result, error)) (*admission.AdmissionResponse, outcome) {
	object, err := document.ReadJSON(r.Object.Raw)
	if err != nil || object.Kind != yaml.MappingNode {
		return h.fail(r, errors.New("the request has no object that could be read"))
	}
	results, err := f(object)
	if err != nil {
		return h.fail(r, err)
	}
	h.Metrics.results(results)
	for _, one := range results {
		h.Log.Info("reviewed", "namespace", r.Namespace, "workload", one.Workload, "container", one.Container, "action", one.Action, "reason", one.Reason, "dryRun", r.DryRun)
	}
	operations, err := jsonpatch.CreatePatch(r.Object.Raw, document.JSON(object))
	if err != nil {
		return h.fail(r, err)
	}
	a := admit(r)
	if len(operations) == 0 {
		return a, skipped
	}
	if a.Patch, err = json.Marshal(operations); err != nil {
		return h.fail(r, err)
	}
	kind := admission.PatchTypeJSONPatch
	a.PatchType = &kind
	return a, patched
}

// pod puts trace into a new pod. Where nothing can be wrapped, its status says why.
func (h *Handler) pod(ctx context.Context, r *admission.AdmissionRequest, object *yaml.Node) []inject.Result {
	p := h.podOf(r, object)
	results := p.Inject(ctx, &h.Options)
	status := k8s.Status{Version: h.Options.Version}
	for _, one := range results {
		switch {
		case one.Action == inject.Injected:
			return results // its status is there
		case one.Container == "":
			status.Reason = one.Reason
		default:
			if status.Skipped == nil {
				status.Skipped = map[string]string{}
			}
			status.Skipped[one.Container] = one.Reason
		}
	}
	p.SetStatus(status)
	return results
}

// ephemeral wraps the ephemeral containers that a request adds to a pod.
func (h *Handler) ephemeral(ctx context.Context, r *admission.AdmissionRequest, object *yaml.Node) ([]inject.Result, error) {
	before, err := document.ReadJSON(r.OldObject.Raw)
	if err != nil {
		return nil, fmt.Errorf("the request has no object that could be read: %w", err)
	}
	p := h.podOf(r, object)
	return p.InjectEphemeral(ctx, &h.Options, before), nil
}

// podOf is the pod of a request, with what is known of its namespace.
func (h *Handler) podOf(r *admission.AdmissionRequest, object *yaml.Node) k8s.Pod {
	p := k8s.Pod{Node: object, Name: k8s.Name(object), Namespace: r.Namespace}
	if ns, err := h.Cluster.Namespace(r.Namespace); err == nil {
		p.Level = ns.Labels[k8s.LevelLabel]
	}
	return p
}
