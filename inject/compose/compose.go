// Package compose puts trace into the services of Compose files.
//
// In a nutshell: Rewrite edits the services of a file (project.go): a service that runs
// first copies trace into a volume; the chosen services (service.go) depend on its
// success and start with trace from there. Entrypoints may be lists or strings, which
// Compose splits after it has put variables in: a string stays one, behind ours
// (start.go). All of ours is known by its name, so it can be replaced by a later run,
// or taken out again.
package compose

import (
	"context"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// Names that users and other programs see.
const (
	Volume    = "lanner"         // the volume that holds trace
	Install   = "lanner-install" // the service that fills it
	Extension = "x-lanner"       // of the file; its sys_ptrace lists the services that got SYS_PTRACE from us
)

// Options say what is done to services.
type Options struct {
	inject.Options
	Ptrace      bool // give the services SYS_PTRACE
	ImageVolume bool // mount TraceImage as a volume, instead of copying trace from it
}

// Escape writes text as Compose wants it, where $NAME and ${NAME} are variables and $$
// is a dollar (compose-spec, 12-interpolation.md).
func Escape(s string) string { return strings.ReplaceAll(s, "$", "$$") }

// Rewrite puts trace into the services of a Compose file, or with remove takes it out
// of them. Only text that can't be read is an error, of type *document.Error; a service
// that can't be changed is passed through, and its results say why.
func Rewrite(ctx context.Context, file []byte, o Options, remove bool) ([]byte, []inject.Result, error) {
	o.Escape = Escape
	docs, err := document.Parse(file)
	if err != nil {
		return nil, nil, err
	}
	out, results := inject.Documents(docs, inject.Unnamed, func(n *yaml.Node) []inject.Result { return rewrite(ctx, n, &o, remove) })
	return out, results, nil
}

// rewrite changes the services of one document.
func rewrite(ctx context.Context, root *yaml.Node, o *Options, remove bool) []inject.Result {
	if root == nil {
		return nil
	}
	services := document.Edit(root, "services")
	if services == nil || services.Kind != yaml.MappingNode {
		return []inject.Result{{Workload: "document without services", Action: inject.Passed}}
	}
	p := &project{root: root, services: services, o: o}
	if remove {
		return p.remove()
	}
	return p.inject(ctx)
}
