package k8s

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A container is one of a pod, to be edited.
type container struct {
	node *yaml.Node
	name string
	kind kind
}

type kind int

const (
	kindApp kind = iota
	kindInit
	kindSidecar
)

// chosen returns why a container is not to be wrapped, nil if it is.
func (c *container) chosen(o *Options) error {
	named := slices.Contains(o.Containers, c.name)
	switch {
	case c.name == "":
		return inject.Skip("it has no name")
	case c.kind == kindInit && !o.InitContainers && !named:
		return inject.Skip("init containers were not asked for")
	case c.kind == kindSidecar && !o.Sidecars && !named:
		return inject.Skip("native sidecars were not asked for")
	}
	return o.Chosen(c.name)
}

// wrap puts trace before the container's command. On an error nothing has changed.
func (c *container) wrap(ctx context.Context, o *Options, img inject.Image) error {
	img.Name = document.Text(c.node, "image")
	command, args, err := c.start()
	if err != nil {
		return err
	}
	start := inject.Start{Args: args}
	if len(command) > 0 { // an empty list is as good as none
		start.Entrypoint = command
	}
	if start.Entrypoint == nil && img.Name == "" {
		return inject.Skip("it has neither a command nor an image")
	}
	for _, m := range document.Items(document.Get(c.node, "volumeMounts")) {
		if at := path.Clean(document.Text(m, "mountPath")); document.Text(m, "name") != Volume && (at == o.Dir || strings.HasPrefix(at, o.Dir+"/")) {
			return inject.Skip(fmt.Sprintf("it has another volume at %s", at))
		}
	}
	wrapped, err := o.Wrap(ctx, start, img)
	if err != nil {
		return err
	}
	c.setCommand(wrapped, len(wrapped)-len(command))
	upsert(c.node, "volumeMounts", Volume, document.Make(mount{Volume, o.Dir, true}), false)
	return nil
}

// start is what the container starts without us.
func (c *container) start() (command, args []string, err error) {
	command, ok := document.Strings(document.Get(c.node, "command"))
	if !ok {
		return nil, nil, inject.Skip("its command is not a list of strings")
	}
	if args, ok = document.Strings(document.Get(c.node, "args")); !ok {
		return nil, nil, inject.Skip("its args are not a list of strings")
	}
	if dir := c.dir(); dir != "" && inject.Wrapped(command, dir) {
		command = inject.Unwrap(command)
	}
	return command, args, nil
}

// dir is where the container has trace, "" if it does not.
func (c *container) dir() string {
	return document.Text(document.Find(document.Get(c.node, "volumeMounts"), "name", Volume), "mountPath")
}

// setCommand writes a command, of which all but the first fresh words are what the
// container has already; those stay as they are written.
func (c *container) setCommand(words []string, fresh int) {
	old := document.Edit(c.node, "command")
	list := document.List(true, words...)
	if old != nil && old.Kind == yaml.SequenceNode && len(old.Content) > 0 {
		kept := old.Content[len(old.Content)-(len(words)-fresh):]
		list = document.Like(old, append(document.List(true, words[:fresh]...).Content, kept...))
	}
	document.Set(c.node, "command", list, "image", "name")
}

// unwrap makes the container what it was, and reports whether it was wrapped. ptrace
// says that SYS_PTRACE came from us.
func (c *container) unwrap(ptrace bool) bool {
	dir := c.dir()
	if dir == "" {
		return false
	}
	command, ok := document.Strings(document.Get(c.node, "command"))
	was := ok && inject.Wrapped(command, dir)
	if was {
		if before := inject.Unwrap(command); len(before) > 0 {
			c.setCommand(before, 0)
		} else {
			document.Remove(c.node, "command")
		}
	}
	document.RemoveItem(c.node, "volumeMounts", "name", Volume)
	if ptrace {
		c.dropCapability()
	}
	return was
}
