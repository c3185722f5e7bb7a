package compose

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A service is one of a project, to be edited.
type service struct {
	node           *yaml.Node
	name           string
	entry, command command // its own, as they are without us
	inherits       bool    // trace, from a service that it extends
}

// extends is the service that this one extends, and the file that it is in, "" for the
// same.
func (s *service) extends() (base, file string) {
	if n := document.Get(s.node, "extends"); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value, ""
	}
	return document.Text(s.node, "extends", "service"), document.Text(s.node, "extends", "file")
}

// chosen returns why a service is not to be wrapped, nil if it is.
func (s *service) chosen(o *Options) error {
	switch {
	case s.node.Kind != yaml.MappingNode:
		return inject.Skip("it is not a mapping")
	case document.Get(s.node, "provider") != nil:
		return inject.Skip("a provider runs it, not a container")
	case strings.HasPrefix(document.Text(s.node, "platform"), "windows"):
		return inject.Skip("it is for Windows, and trace is for Linux")
	case document.Text(s.node, "pid") == "host":
		return inject.Skip("it runs in the host's PID namespace, and works on processes that are not its own")
	}
	return o.Chosen(s.name)
}

// wrap puts trace before the service's entrypoint, or leaves that to the service that
// it extends. before are all services as they are without us. On an error nothing has
// changed.
func (s *service) wrap(ctx context.Context, p *project, before map[string]*service) error {
	for key, kinds := range map[string][]yaml.Kind{"volumes": {yaml.SequenceNode}, "depends_on": {yaml.SequenceNode, yaml.MappingNode}} {
		if n := document.Get(s.node, key); n != nil && (!slices.Contains(kinds, n.Kind) || n.ShortTag() == "!reset") {
			return inject.Skip(fmt.Sprintf("its %s are not what trace could be added to", key))
		}
	}
	for _, v := range document.Items(document.Get(s.node, "volumes")) {
		source, at := mount(v)
		if at = path.Clean(at); source != Volume && !isImage(v) && (at == p.o.Dir || strings.HasPrefix(at, p.o.Dir+"/")) {
			return inject.Skip(fmt.Sprintf("it has another volume at %s", at))
		}
	}
	own, err := s.effective(before)
	if err != nil {
		return err
	}
	if own.from != s.name && slices.Contains(p.wrapped, own.from) {
		s.unwrap(false) // of what an earlier run did
		s.inherits = true
		return nil
	}
	switch {
	case own.entry.node != nil && len(own.entry.words)+len(own.command.words) == 0:
		return inject.Skip("its entrypoint is empty, and it has no command")
	case own.entry.node == nil && own.image == "":
		return s.unknown()
	}
	wrapped, err := p.o.Wrap(ctx, inject.Start{Entrypoint: own.entry.words, Args: own.command.words}, inject.Image{Name: own.image})
	if err != nil {
		return err
	}
	n := own.entry.wrapped(wrapped[:len(wrapped)-len(own.entry.words)])
	if old := document.Get(s.node, "entrypoint"); old == nil || !document.Equal(old, n) {
		document.Set(s.node, "entrypoint", n, "image", "build")
	}
	s.mount(p.o)
	s.depend(!p.o.ImageVolume)
	return nil
}

// unknown is why a service can't be wrapped that names neither its entrypoint nor an
// image.
func (s *service) unknown() error {
	if document.Get(s.node, "build") != nil {
		return inject.Skip("its command is that of the image that is built for it: give it an entrypoint here, or put trace into the Dockerfile")
	}
	return inject.Skip("it has neither an entrypoint nor an image")
}

// An origin is what a service starts, with what it takes from services that it extends.
type origin struct {
	entry, command command
	image          string
	from           string // the service that says the entrypoint, or else the image
}

// effective finds out what the service starts without us. before are all services as
// they are without us.
func (s *service) effective(before map[string]*service) (origin, error) {
	o := origin{from: s.name}
	at := s
	for range len(before) + 1 {
		if o.entry.node == nil && at.entry.node != nil {
			o.entry, o.from = at.entry, at.name
		}
		if o.command.node == nil {
			o.command = at.command
		}
		if image := document.Text(at.node, "image"); o.image == "" && image != "" {
			o.image = image
			if o.entry.node == nil {
				o.from = at.name
			}
		}
		base, file := at.extends()
		if base == "" {
			break
		}
		next := before[base]
		if file != "" || next == nil {
			if o.entry.node == nil {
				return o, inject.Skip(fmt.Sprintf("its entrypoint may come from service %s in another file, which it extends: put trace in there", base))
			}
			break
		}
		at = next
	}
	if o.entry.bad != "" {
		return o, inject.Skip(o.entry.bad)
	}
	if o.command.bad != "" {
		return o, inject.Skip(o.command.bad)
	}
	return o, nil
}

// variable is what Compose replaces in a text.
var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// mount is the source and target of a service's volume, in either syntax.
func mount(v *yaml.Node) (source, target string) {
	if v.Kind == yaml.MappingNode {
		return document.Text(v, "source"), document.Text(v, "target")
	}
	parts := strings.Split(variable.ReplaceAllString(v.Value, "x"), ":")
	if len(parts) == 1 {
		return "", parts[0]
	}
	return parts[0], parts[1]
}

// isImage reports whether a volume is an image that is ours: mounted for no other
// purpose than its program.
func isImage(v *yaml.Node) bool { return document.Text(v, "type") == "image" }

// dir is where the service has trace, "" if it does not.
func (s *service) dir() string {
	c := s.read("entrypoint")
	for _, v := range document.Items(document.Get(s.node, "volumes")) {
		source, at := mount(v)
		if source == Volume || isImage(v) && inject.Wrapped(c.words, at) {
			return at
		}
	}
	return ""
}

// mount mounts what has trace, in place of what had it.
func (s *service) mount(o *Options) {
	want := document.String(Volume + ":" + o.Dir + ":ro")
	if o.ImageVolume {
		want = document.Map()
		document.Set(want, "type", document.String("image"))
		document.Set(want, "source", document.String(Escape(o.TraceImage)))
		document.Set(want, "target", document.String(o.Dir))
	}
	ours := func(v *yaml.Node) bool {
		source, at := mount(v)
		return source == Volume || isImage(v) && at == o.Dir
	}
	old := document.Items(document.Get(s.node, "volumes"))
	i := slices.IndexFunc(old, ours)
	if i >= 0 && document.Equal(old[i], want) {
		return
	}
	list := document.EditList(s.node, "volumes", "command", "entrypoint")
	if i >= 0 {
		list.Content[i] = want
		return
	}
	list.Content = append(list.Content, want)
	if want.Kind == yaml.MappingNode {
		list.Style &^= yaml.FlowStyle
	}
}

// The conditions of depends_on.
const (
	started   = "service_started"
	completed = "service_completed_successfully"
)

// depend makes the service wait for trace to be installed, or not wait for it any more.
func (s *service) depend(want bool) {
	n := document.Get(s.node, "depends_on")
	switch {
	case !want:
		s.undepend()
		return
	case document.Text(n, Install, "condition") == completed:
		return
	case n != nil && n.Kind == yaml.SequenceNode: // the short form, without conditions
		long := document.Map()
		for _, item := range document.Items(n) {
			document.Set(long, item.Value, condition(started))
		}
		document.Set(s.node, "depends_on", long)
	}
	document.Set(document.EditMap(s.node, "depends_on", "volumes"), Install, condition(completed))
}

// undepend takes back what depend does: without conditions, the short form is enough.
func (s *service) undepend() {
	if document.Get(document.Get(s.node, "depends_on"), Install) == nil {
		return
	}
	n := document.Edit(s.node, "depends_on")
	document.Remove(n, Install)
	short := document.List(false)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !document.Equal(n.Content[i+1], condition(started)) {
			return
		}
		short.Content = append(short.Content, document.String(n.Content[i].Value))
	}
	if len(short.Content) == 0 {
		document.Remove(s.node, "depends_on")
	} else {
		document.Set(s.node, "depends_on", short)
	}
}

func condition(name string) *yaml.Node {
	m := document.Map()
	document.Set(m, "condition", document.String(name))
	return m
}

// unwrap makes the service what it was, and reports whether it was wrapped. ptrace says
// that SYS_PTRACE came from us.
func (s *service) unwrap(ptrace bool) bool {
	dir := s.dir()
	if dir == "" {
		return false
	}
	entry := s.read("entrypoint")
	if entry.unwrap(dir) {
		if entry.node == nil {
			document.Remove(s.node, "entrypoint")
			if document.Get(s.node, "entrypoint") != nil { // by a merge key
				document.Set(s.node, "entrypoint", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
			}
		} else {
			document.Set(s.node, "entrypoint", entry.node)
		}
	}
	if list := document.Edit(s.node, "volumes"); list != nil {
		list.Content = slices.DeleteFunc(list.Content, func(v *yaml.Node) bool {
			source, at := mount(v)
			return source == Volume || isImage(v) && at == dir
		})
		if len(list.Content) == 0 {
			document.Remove(s.node, "volumes")
		}
	}
	s.undepend()
	if ptrace {
		s.dropCapability()
	}
	return true
}

// sysPtrace is the capability, as Compose writes it.
const sysPtrace = "SYS_PTRACE"

// capability gives the service SYS_PTRACE if that is wanted, or takes it away if it was
// ours, and reports whether it is there because of us.
func (s *service) capability(want, had bool) bool {
	add, ok := document.Strings(document.Get(s.node, "cap_add"))
	switch {
	case !want:
		if had {
			s.dropCapability()
		}
		return false
	case !ok || slices.Contains(add, "ALL"):
		return false
	case slices.Contains(add, sysPtrace):
		return had
	}
	list := document.EditList(s.node, "cap_add", "volumes")
	if len(list.Content) == 0 {
		list.Style |= yaml.FlowStyle
	}
	list.Content = append(list.Content, document.String(sysPtrace))
	return true
}

func (s *service) dropCapability() {
	list := document.Edit(s.node, "cap_add")
	if list == nil {
		return
	}
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n.Value == sysPtrace })
	if len(list.Content) == 0 {
		document.Remove(s.node, "cap_add")
	}
}
