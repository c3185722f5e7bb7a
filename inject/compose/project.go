package compose

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A project is a Compose file, to be edited.
type project struct {
	root, services *yaml.Node
	o              *Options

	wrapped []string // services that start with trace
}

// inject wraps the project's services, those that others extend before them.
func (p *project) inject(ctx context.Context) []inject.Result {
	if err := p.usable(); err != nil {
		return []inject.Result{inject.Explain("services", "", err)}
	}
	was, added := p.ours(), p.ptrace()
	results := map[string]inject.Result{}
	var ptrace []string
	all := p.all()
	before := p.starts(all)
	for _, s := range p.byExtends(all) {
		had := slices.Contains(added, s.name)
		err := s.chosen(p.o)
		if err == nil {
			err = s.wrap(ctx, p, before)
		}
		if err != nil {
			if was || s.dir() != "" {
				s.unwrap(had)
			}
			results[s.name] = inject.Explain("service "+s.name, "", err)
			continue
		}
		p.wrapped = append(p.wrapped, s.name)
		if s.capability(p.o.Ptrace && !s.inherits, had) {
			ptrace = append(ptrace, s.name)
		}
		results[s.name] = inject.Explain("service "+s.name, "", nil)
	}
	if len(p.wrapped) > 0 && !p.o.ImageVolume {
		p.furnish()
	} else {
		p.clear()
	}
	p.setPtrace(ptrace)
	var list []inject.Result
	for _, s := range all {
		list = append(list, results[s.name])
	}
	return list
}

// remove takes trace out of the project.
func (p *project) remove() []inject.Result {
	added := p.ptrace()
	var results []inject.Result
	for _, s := range p.all() {
		if s.unwrap(slices.Contains(added, s.name)) {
			results = append(results, inject.Result{Workload: "service " + s.name, Action: inject.Removed})
		}
	}
	if len(results) == 0 && !p.ours() {
		return []inject.Result{{Workload: "services", Action: inject.Skipped, Reason: "trace is not in them"}}
	}
	p.clear()
	p.setPtrace(nil)
	return results
}

// named is what services can be called (compose-spec.json).
var named = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// usable returns why nothing of a project can be wrapped.
func (p *project) usable() error {
	for i := 0; i+1 < len(p.services.Content); i += 2 {
		if name := p.services.Content[i].Value; name != "<<" && !named.MatchString(name) {
			return inject.Skip(fmt.Sprintf("no service can be called %q", name))
		}
	}
	install, volume := has(p.services, Install), has(document.Get(p.root, "volumes"), Volume)
	switch volumes := document.Get(p.root, "volumes"); {
	case volumes != nil && volumes.Kind != yaml.MappingNode:
		return inject.Skip("the file's volumes are not a mapping")
	case p.ours():
		return nil
	case volume:
		return inject.Skip("the file has another volume of the name " + Volume)
	case install:
		return inject.Skip("the file has another service of the name " + Install)
	}
	return nil
}

// has reports whether a mapping has a key, which may be null.
func has(m *yaml.Node, key string) bool {
	for i := 0; m != nil && m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return true
		}
	}
	return false
}

// ours reports whether what brings trace is in the project: a volume, and what fills
// it.
func (p *project) ours() bool {
	return has(document.Get(p.root, "volumes"), Volume) && document.Get(p.services, Install) != nil
}

// ptrace are the services that got SYS_PTRACE from us.
func (p *project) ptrace() (names []string) {
	names, _ = document.Strings(document.Walk(p.root, Extension, "sys_ptrace"))
	return names
}

func (p *project) setPtrace(names []string) {
	if len(names) == 0 {
		document.Remove(p.root, Extension)
		return
	}
	m := document.Map()
	document.Set(m, "sys_ptrace", document.List(true, names...))
	if old := document.Get(p.root, Extension); old == nil || !document.Equal(old, m) {
		document.Set(p.root, Extension, m)
	}
}

// all are the project's services, but for the one that is ours.
func (p *project) all() []*service {
	var list []*service
	for i := 0; i+1 < len(p.services.Content); i += 2 {
		name := p.services.Content[i].Value
		if name == Install || name == "<<" || document.Get(p.services, name) == nil {
			continue
		}
		list = append(list, &service{node: document.Edit(p.services, name), name: name})
	}
	return list
}

// starts are what services say themselves of how they start, without us, by name.
func (p *project) starts(all []*service) map[string]*service {
	before := map[string]*service{}
	for _, s := range all {
		s.entry = s.read("entrypoint")
		s.command = s.read("command")
		s.entry.unwrap(s.dir())
		before[s.name] = s
	}
	return before
}

// byExtends sorts services so that each comes behind those that it extends.
func (p *project) byExtends(all []*service) []*service {
	var sorted []*service
	var visit func(s *service, depth int)
	visit = func(s *service, depth int) {
		if slices.Contains(sorted, s) {
			return
		}
		if base, _ := s.extends(); base != "" && depth < len(all) {
			if i := slices.IndexFunc(all, func(b *service) bool { return b.name == base }); i >= 0 && all[i] != s {
				visit(all[i], depth+1)
			}
		}
		if !slices.Contains(sorted, s) {
			sorted = append(sorted, s)
		}
	}
	for _, s := range all {
		visit(s, 0)
	}
	return sorted
}

// An installer is the service that copies trace into the volume. It needs no network,
// and no right but to write into a volume that root owns.
type installer struct {
	Image    string   `yaml:"image"`
	Entry    []string `yaml:"entrypoint,flow"`
	User     string   `yaml:"user"`
	Network  string   `yaml:"network_mode"`
	ReadOnly bool     `yaml:"read_only"`
	Drop     []string `yaml:"cap_drop,flow"`
	Volumes  []string `yaml:"volumes,flow"`
}

// furnish gives the project what brings trace into it.
func (p *project) furnish() {
	s := installer{
		Image: Escape(p.o.TraceImage), Entry: []string{"/trace", "install", p.o.Dir}, User: "0", Network: "none", ReadOnly: true,
		Drop: []string{"ALL"}, Volumes: []string{Volume + ":" + p.o.Dir},
	}
	n := document.Make(s)
	if p.ours() && document.Equal(document.Get(p.services, Install), n) {
		return
	}
	document.Set(p.services, Install, n)
	document.Set(document.EditMap(p.root, "volumes", "services"), Volume, document.Map())
}

// clear takes away what furnish gives.
func (p *project) clear() {
	if !p.ours() {
		return
	}
	document.Remove(p.services, Install)
	volumes := document.Edit(p.root, "volumes")
	document.Remove(volumes, Volume)
	if len(volumes.Content) == 0 {
		document.Remove(p.root, "volumes")
	}
}
