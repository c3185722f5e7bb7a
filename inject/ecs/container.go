package ecs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A container is one of a task, to be edited.
type container struct {
	node  *yaml.Node
	name  string
	key   dialect
	proxy bool // the task's App Mesh proxy
}

func (c *container) get(fields ...string) *yaml.Node {
	n := c.node
	for _, f := range fields {
		n = document.Get(n, c.key(f))
	}
	return n
}

// chosen returns why a container is not to be wrapped, nil if it is.
func (c *container) chosen(o *Options) error {
	image := written(c.get("image"))
	switch {
	case !literal(c.node, yaml.MappingNode):
		return inject.Skip("it is not known before deployment")
	case c.get("firelensConfiguration") != nil:
		return inject.Skip("it is the FireLens log router, which the others' logs go through")
	case strings.HasPrefix(c.name, "aws-guardduty-agent"), strings.Contains(image, "aws-guardduty-agent"):
		return inject.Skip("it is the agent of GuardDuty, which AWS runs")
	case strings.HasPrefix(c.name, "ecs-service-connect"), strings.Contains(image, "ecs-service-connect-agent"):
		return inject.Skip("it is the proxy of Service Connect, which AWS runs")
	case c.proxy:
		return inject.Skip("it is the proxy of App Mesh, which the others' traffic goes through")
	}
	return o.Chosen(c.name)
}

// wrap puts trace before the container's entry point. On an error nothing has changed.
func (c *container) wrap(ctx context.Context, o *Options) error {
	start, err := c.start()
	if err != nil {
		return err
	}
	for _, field := range []string{"mountPoints", "dependsOn"} {
		if !absentOr(c.get(field), yaml.SequenceNode) {
			return inject.Skip(fmt.Sprintf("its %s are not known before deployment", c.key(field)))
		}
	}
	for _, m := range document.Items(c.get("mountPoints")) {
		at := path.Clean(document.Text(m, c.key("containerPath")))
		if document.Text(m, c.key("sourceVolume")) != Volume && (at == o.Dir || strings.HasPrefix(at, o.Dir+"/")) {
			return inject.Skip(fmt.Sprintf("it has another volume at %s", at))
		}
	}
	image := written(c.get("image"))
	if image == "" && start.Entrypoint == nil {
		return inject.Skip("it has neither an entry point nor an image")
	}
	wrapped, err := o.Wrap(ctx, start, inject.Image{Name: image})
	if err != nil {
		return err
	}
	c.setEntryPoint(wrapped, len(wrapped)-len(start.Entrypoint))
	upsert(c.node, c.key("mountPoints"), c.key("sourceVolume"),
		c.key.fields("sourceVolume", Volume, "containerPath", o.Dir, "readOnly", true), c.key("command"), c.key("entryPoint"))
	upsert(c.node, c.key("dependsOn"), c.key("containerName"),
		c.key.fields("containerName", Install, "condition", "SUCCESS"), c.key("mountPoints"))
	return nil
}

// start is what the container starts without us. An empty list is as good as none: the
// API fills it in.
func (c *container) start() (s inject.Start, err error) {
	entry, ok := words(c.get("entryPoint"))
	if !ok {
		return s, inject.Skip("its entry point is not known before deployment")
	}
	if s.Args, ok = words(c.get("command")); !ok {
		// It is nothing we have to know where the workload names the program: the
		// platform appends it.
		s.Args = []string{computed}
	}
	if dir := c.dir(); dir != "" && inject.Wrapped(entry, dir) {
		entry = inject.Unwrap(entry)
	}
	if len(entry) > 0 {
		s.Entrypoint = entry
	}
	return s, nil
}

// dir is where the container has trace, "" if it does not.
func (c *container) dir() string {
	return document.Text(document.Find(c.get("mountPoints"), c.key("sourceVolume"), Volume), c.key("containerPath"))
}

// setEntryPoint writes an entry point, of which all but the first fresh words are what
// the container has already; those stay as they are written.
func (c *container) setEntryPoint(words []string, fresh int) {
	old := document.Edit(c.node, c.key("entryPoint"))
	list := document.List(true, words...)
	if old != nil && old.Kind == yaml.SequenceNode && len(old.Content) > 0 {
		kept := old.Content[len(old.Content)-(len(words)-fresh):]
		list = document.Like(old, append(document.List(true, words[:fresh]...).Content, kept...))
	}
	document.Set(c.node, c.key("entryPoint"), list, c.key("image"), c.key("name"))
}

// unwrap makes the container what it was, and reports whether it was wrapped. ptrace
// says that SYS_PTRACE came from us.
func (c *container) unwrap(ptrace bool) bool {
	dir := c.dir()
	if dir == "" {
		return false
	}
	entry, ok := words(c.get("entryPoint"))
	was := ok && inject.Wrapped(entry, dir)
	if was {
		if before := inject.Unwrap(entry); len(before) > 0 {
			c.setEntryPoint(before, 0)
		} else {
			document.Remove(c.node, c.key("entryPoint"))
		}
	}
	document.RemoveItem(c.node, c.key("mountPoints"), c.key("sourceVolume"), Volume)
	document.RemoveItem(c.node, c.key("dependsOn"), c.key("containerName"), Install)
	if ptrace {
		c.dropCapability()
	}
	return was
}

// bounded reports whether a container says how much memory it takes.
func (c *container) bounded() bool {
	return c.get("memory") != nil || c.get("memoryReservation") != nil
}

// sysPtrace is the capability, as ECS writes it.
const sysPtrace = "SYS_PTRACE"

// capability gives the container SYS_PTRACE if that is wanted, or takes it away if it
// was ours, and reports whether it is there because of us.
func (c *container) capability(want, had bool) (ours bool, err error) {
	if !want {
		if had {
			c.dropCapability()
		}
		return false, nil
	}
	linux, caps := c.get("linuxParameters"), c.get("linuxParameters", "capabilities")
	add, known := words(document.Get(caps, c.key("add")))
	drop, _ := words(document.Get(caps, c.key("drop")))
	switch {
	case !absentOr(linux, yaml.MappingNode) || !absentOr(caps, yaml.MappingNode) || !known:
		return false, errors.New("its capabilities are not known before deployment")
	case slices.Contains(add, sysPtrace) || slices.Contains(add, "ALL"):
		return had, nil
	case slices.Contains(drop, sysPtrace):
		return false, errors.New("its task definition drops it")
	}
	caps = document.EditMap(document.EditMap(c.node, c.key("linuxParameters")), c.key("capabilities"))
	if list := document.Edit(caps, c.key("add")); list != nil {
		list.Content = append(list.Content, document.String(sysPtrace))
	} else {
		document.Set(caps, c.key("add"), document.List(true, sysPtrace))
	}
	return true, nil
}

// dropCapability takes SYS_PTRACE away, and what it leaves empty.
func (c *container) dropCapability() {
	linux := document.Edit(c.node, c.key("linuxParameters"))
	caps := document.Edit(linux, c.key("capabilities"))
	list := document.Edit(caps, c.key("add"))
	if list == nil || !slices.ContainsFunc(list.Content, isSysPtrace) {
		return
	}
	list.Content = slices.DeleteFunc(list.Content, isSysPtrace)
	if len(list.Content) > 0 {
		return
	}
	document.Remove(caps, c.key("add"))
	if len(caps.Content) == 0 {
		document.Remove(linux, c.key("capabilities"))
	}
	if len(linux.Content) == 0 {
		document.Remove(c.node, c.key("linuxParameters"))
	}
}

func isSysPtrace(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == sysPtrace }
