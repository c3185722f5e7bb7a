package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A Pod is a pod, or a template of pods, to be edited.
type Pod struct {
	Node      *yaml.Node // has metadata and spec
	Name      string     // as results show it
	Namespace string     // where it runs, "" if unknown
	Level     string     // the level of PodSecurity that its namespace says it enforces, "" if unknown
}

// A Status is the value of the status annotation, as JSON.
type Status struct {
	Version string            `json:"version,omitempty"`
	Wrapped []string          `json:"wrapped,omitempty"`
	Skipped map[string]string `json:"skipped,omitempty"` // why, by container
	Reason  string            `json:"reason,omitempty"`  // why the pod was skipped as a whole
	Ptrace  []string          `json:"ptrace,omitempty"`  // containers that got SYS_PTRACE from us
}

// Inject wraps the pod's containers.
func (p *Pod) Inject(ctx context.Context, o *Options) []inject.Result {
	spec := document.Edit(p.Node, "spec")
	chosen, err := p.choose(o)
	if err == nil {
		err = p.usable(spec)
	}
	if err != nil {
		return []inject.Result{inject.Explain(p.Name, "", err)}
	}
	was, added := ours(spec), p.status().Ptrace
	img := p.image(spec)
	status := Status{Version: o.Version}
	var results []inject.Result
	var user *yaml.Node // the security context of the first one that is wrapped
	for _, c := range p.containers(spec) {
		had := slices.Contains(added, c.name)
		err := c.chosen(chosen)
		if err == nil {
			err = c.wrap(ctx, chosen, img)
		}
		if err != nil {
			if was {
				c.unwrap(had)
			}
			results = append(results, inject.Explain(p.Name, c.name, err))
			if status.Skipped == nil {
				status.Skipped = map[string]string{}
			}
			status.Skipped[c.name] = err.Error()
			continue
		}
		if len(status.Wrapped) == 0 {
			user = document.Get(c.node, "securityContext")
			if user == nil {
				user = document.Map()
			}
		}
		if c.capability(chosen.Ptrace, p.Level, spec, had) {
			status.Ptrace = append(status.Ptrace, c.name)
		}
		status.Wrapped = append(status.Wrapped, c.name)
		results = append(results, inject.Explain(p.Name, c.name, nil))
	}
	results = append(results, p.strangers(chosen)...)
	if len(status.Wrapped) == 0 {
		p.clear(spec)
		return results
	}
	p.furnish(spec, chosen, user)
	if !o.Status {
		status = Status{Ptrace: status.Ptrace}
	}
	p.SetStatus(status)
	return results
}

// Remove takes trace out of the pod.
func (p *Pod) Remove() []inject.Result {
	spec := document.Edit(p.Node, "spec")
	if !ours(spec) {
		return []inject.Result{{Workload: p.Name, Action: inject.Skipped, Reason: "trace is not in it"}}
	}
	added := p.status().Ptrace
	var results []inject.Result
	for _, c := range p.containers(spec) {
		if c.unwrap(slices.Contains(added, c.name)) {
			results = append(results, inject.Result{Workload: p.Name, Container: c.name, Action: inject.Removed})
		}
	}
	p.clear(spec)
	return results
}

// choose applies the pod's annotations to the options.
func (p *Pod) choose(o *Options) (*Options, error) {
	switch v := document.Text(p.Node, "metadata", "labels", Label); v {
	case "", Enabled:
	case Disabled:
		return nil, inject.Skip(fmt.Sprintf("label %s is %s", Label, Disabled))
	default:
		return nil, inject.Skip(fmt.Sprintf("label %s is %q, which is neither %s nor %s", Label, v, Enabled, Disabled))
	}
	own := *o
	for key, list := range map[string]*[]string{Include: &own.Containers, Exclude: &own.Exclude} {
		n := document.Walk(p.Node, "metadata", "annotations", key)
		if n == nil {
			continue
		}
		names, ok := names(n.Value)
		if !ok {
			return nil, inject.Skip(fmt.Sprintf("annotation %s is %q, not names of containers separated by commas", key, n.Value))
		}
		*list = names
	}
	return &own, nil
}

// dnsLabel is what names of containers look like (RFC 1123).
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// names reads an annotation's list.
func names(list string) ([]string, bool) {
	words := strings.Split(list, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
		if !dnsLabel.MatchString(words[i]) {
			return nil, false
		}
	}
	return words, true
}

// usable returns why nothing of a pod can be wrapped.
func (p *Pod) usable(spec *yaml.Node) error {
	containers := document.Get(spec, "containers")
	switch {
	case containers == nil || containers.Kind != yaml.SequenceNode:
		return inject.Skip("it has no containers")
	case document.Text(spec, "os", "name") == "windows", document.Text(spec, "nodeSelector", "kubernetes.io/os") == "windows":
		return inject.Skip("it is for Windows nodes, and trace is for Linux")
	case document.Text(spec, "hostPID") == "true":
		return inject.Skip("it runs in the node's PID namespace, and works on processes that are not its own")
	case ours(spec):
		return nil
	case document.Find(document.Get(spec, "volumes"), "name", Volume) != nil:
		return inject.Skip(fmt.Sprintf("it has another volume of the name %s", Volume))
	case document.Find(containers, "name", Init) != nil || document.Find(document.Get(spec, "initContainers"), "name", Init) != nil:
		return inject.Skip(fmt.Sprintf("it has another container of the name %s", Init))
	}
	return nil
}

// ours reports whether trace is in a pod: its volume, and what fills it.
func ours(spec *yaml.Node) bool {
	v := document.Find(document.Get(spec, "volumes"), "name", Volume)
	return document.Get(v, "image") != nil || document.Get(v, "emptyDir") != nil && document.Find(document.Get(spec, "initContainers"), "name", Init) != nil
}

// image is what may help to look the pod's images up.
func (p *Pod) image(spec *yaml.Node) inject.Image {
	img := inject.Image{Namespace: p.Namespace, ServiceAccount: document.Text(spec, "serviceAccountName")}
	for _, s := range document.Items(document.Get(spec, "imagePullSecrets")) {
		img.PullSecrets = append(img.PullSecrets, document.Text(s, "name"))
	}
	return img
}

// containers are the pod's, but for the one that is ours, init containers first.
func (p *Pod) containers(spec *yaml.Node) []*container {
	var list []*container
	for _, key := range []string{"initContainers", "containers"} {
		for _, n := range document.EditItems(document.Edit(spec, key)) {
			c := &container{node: n, name: document.Text(n, "name")}
			if key == "initContainers" {
				if c.name == Init {
					continue
				}
				c.kind = kindInit
				if document.Text(n, "restartPolicy") == "Always" {
					c.kind = kindSidecar
				}
			}
			list = append(list, c)
		}
	}
	return list
}

// furnish gives the pod what brings trace into it.
func (p *Pod) furnish(spec *yaml.Node, o *Options, user *yaml.Node) {
	if o.ImageVolume {
		document.RemoveItem(spec, "initContainers", "name", Init)
		upsert(spec, "volumes", Volume, document.Make(volume{Name: Volume, Image: map[string]string{"reference": o.TraceImage}}), false, "initContainers", "containers")
		return
	}
	upsert(spec, "initContainers", Init, installer(spec, o, user), true, "containers")
	upsert(spec, "volumes", Volume, document.Make(volume{Name: Volume, EmptyDir: &struct{}{}}), false, "initContainers", "containers")
}

// clear takes away what furnish gives.
func (p *Pod) clear(spec *yaml.Node) {
	if !ours(spec) {
		return
	}
	document.RemoveItem(spec, "initContainers", "name", Init)
	document.RemoveItem(spec, "volumes", "name", Volume)
	p.dropStatus()
}

// dropStatus takes the status annotation away, and what it leaves empty.
func (p *Pod) dropStatus() {
	if document.Walk(p.Node, "metadata", "annotations", StatusOf) == nil {
		return
	}
	meta := document.Edit(p.Node, "metadata")
	a := document.Edit(meta, "annotations")
	document.Remove(a, StatusOf)
	if len(a.Content) == 0 {
		document.Remove(meta, "annotations")
	}
	if len(meta.Content) == 0 {
		document.Remove(p.Node, "metadata")
	}
}

// strangers are the names in the pod's annotations that none of its containers has.
func (p *Pod) strangers(o *Options) (results []inject.Result) {
	if document.Walk(p.Node, "metadata", "annotations", Include) == nil {
		return nil
	}
	spec := document.Get(p.Node, "spec")
	for _, name := range o.Containers {
		if document.Find(document.Get(spec, "containers"), "name", name) == nil && document.Find(document.Get(spec, "initContainers"), "name", name) == nil {
			results = append(results, inject.Explain(p.Name, name, inject.Skip("annotation "+Include+" names it, but there is no such container")))
		}
	}
	return results
}

// status reads the status annotation; what can't be read is no status.
func (p *Pod) status() (s Status) {
	if json.Unmarshal([]byte(document.Text(p.Node, "metadata", "annotations", StatusOf)), &s) != nil {
		return Status{}
	}
	return s
}

// SetStatus writes the status annotation; none for the empty status.
func (p *Pod) SetStatus(s Status) {
	text, _ := json.Marshal(s) // strings can always be written
	if string(text) == "{}" {
		p.dropStatus()
		return
	}
	meta := document.EditMap(p.Node, "metadata")
	n := document.String(string(text))
	n.Style = yaml.SingleQuotedStyle
	document.Set(document.EditMap(meta, "annotations"), StatusOf, n)
}
