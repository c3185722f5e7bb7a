// Package k8s puts trace into the pods of Kubernetes manifests.
//
// In a nutshell: Rewrite reads a stream of documents, finds the pods in them (kinds.go)
// and edits each one (pod.go): an init container copies trace into a volume, and the
// commands of the chosen containers (container.go) start with it from there. All of
// that is known by its name, so it can be replaced by a later run, or taken out again.
// The pods are trees of nodes, not structs: fields that this package does not know
// survive. The webhook edits the pods that it is shown with the same code.
package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// Names that users and other programs see.
const (
	Label    = "lanner.dev/inject"  // on a pod or namespace: "enabled" or "disabled"
	Include  = "lanner.dev/include" // annotation of a pod: only these containers, names separated by commas
	Exclude  = "lanner.dev/exclude" // annotation of a pod: not these containers
	StatusOf = "lanner.dev/status"  // annotation that we write: a Status
	Volume   = "lanner"             // the volume that holds trace
	Init     = "lanner-install"     // the init container that fills it
	Enabled  = "enabled"
	Disabled = "disabled"
)

// Ptrace says whether containers get the capability SYS_PTRACE. Tracing one's own
// children takes none; it helps where they change their user.
type Ptrace string

// The choices. PtraceAuto adds it where the namespace says that it allows it, and it has
// an effect, that is to containers that may run as root.
const (
	PtraceNever  Ptrace = "never"
	PtraceAlways Ptrace = "always"
	PtraceAuto   Ptrace = "auto"
)

// Options say what is done to pods.
type Options struct {
	inject.Options
	InitContainers bool // wrap init containers too
	Sidecars       bool // wrap native sidecars too: init containers that are always restarted
	Ptrace         Ptrace
	ImageVolume    bool   // mount TraceImage as a volume, instead of copying trace from it
	Status         bool   // annotate pods with all that became of them; else only with what Remove has to know
	Version        string // of the injector, for that annotation
}

// Check reports what is wrong with the options, as one clear line.
func (o *Options) Check() error {
	if !slices.Contains([]Ptrace{PtraceNever, PtraceAlways, PtraceAuto}, o.Ptrace) {
		return fmt.Errorf("unknown choice %q for SYS_PTRACE: never, always or auto", o.Ptrace)
	}
	return o.Options.Check()
}

// Escape writes text as Kubernetes wants it in commands, where $(NAME) is a variable
// and $$ a dollar (k8s.io/kubernetes third_party/forked/golang/expansion).
func Escape(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// Rewrite puts trace into the pods of a stream of YAML or JSON documents, or with
// remove takes it out of them. Only text that can't be read is an error, of type
// *document.Error; a workload that can't be changed is passed through, and its results
// say why.
func Rewrite(ctx context.Context, stream []byte, o Options, remove bool) ([]byte, []inject.Result, error) {
	o.Escape = Escape
	docs, err := document.Parse(stream)
	if err != nil {
		return nil, nil, err
	}
	r := rewriter{ctx: ctx, o: o, remove: remove, levels: map[string]string{}}
	for _, d := range docs {
		r.namespaces(d.Root, 0)
	}
	out, results := inject.Documents(docs, Name, func(n *yaml.Node) []inject.Result {
		r.results = nil
		r.object(n, 0)
		return r.results
	})
	return out, results, nil
}

// A rewriter is at work on one stream.
type rewriter struct {
	ctx     context.Context
	o       Options
	remove  bool
	levels  map[string]string // of PodSecurity, by namespaces of the stream
	results []inject.Result   // of one document
}

// LevelLabel is the namespace's label that names the level of PodSecurity which it
// enforces (k8s.io/pod-security-admission/api, EnforceLevelLabel). Without it the cluster
// has a default that pods can't tell (PodSecurityConfiguration, defaults.enforce).
const LevelLabel = "pod-security.kubernetes.io/enforce"

// namespaces notes what is known of namespaces.
func (r *rewriter) namespaces(n *yaml.Node, depth int) {
	if document.Text(n, "kind") == "Namespace" {
		r.levels[document.Text(n, "metadata", "name")] = document.Text(n, "metadata", "labels", LevelLabel)
	}
	if depth > maxDepth {
		return
	}
	for _, item := range document.Items(document.Get(n, "items")) {
		r.namespaces(item, depth+1)
	}
}

// maxDepth is how deep lists in lists are looked into. There is no use for any; but
// aliases can make many out of few lines.
const maxDepth = 2

// object rewrites an object, or the objects of a list.
func (r *rewriter) object(n *yaml.Node, depth int) {
	kind := document.Text(n, "kind")
	switch {
	case n == nil:
	case kind == "ResourceList" && strings.HasPrefix(document.Text(n, "apiVersion"), "config.kubernetes.io/"):
		r.resourceList(n)
	case isList(n) && depth < maxDepth:
		for _, item := range document.EditItems(document.Edit(n, "items")) {
			r.object(item, depth+1)
		}
	default:
		switch holder, ok := holder(n); {
		case ok:
			r.results = append(r.results, r.pod(n, holder)...)
		case !r.remove && document.Walk(n, "spec", "template", "spec", "containers") != nil:
			reason := fmt.Sprintf("it has a template of pods, but inject does not know %s of %s", kind, document.Text(n, "apiVersion"))
			r.results = append(r.results, inject.Explain(Name(n), "", inject.Skip(reason)))
		default:
			r.results = append(r.results, inject.Result{Workload: Name(n), Action: inject.Passed})
		}
	}
}

// pod rewrites the pod, or the template of pods, of an object.
func (r *rewriter) pod(object, holder *yaml.Node) []inject.Result {
	p := Pod{Node: holder, Name: Name(object), Namespace: document.Text(object, "metadata", "namespace")}
	p.Level = r.levels[p.Namespace]
	if r.remove {
		return p.Remove()
	}
	return p.Inject(r.ctx, &r.o)
}
