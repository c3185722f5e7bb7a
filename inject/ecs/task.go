package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A task is a task definition, to be edited.
type task struct {
	node *yaml.Node
	name string // as results show it
	key  dialect
}

// inject wraps the task's containers.
func (t *task) inject(ctx context.Context, o *Options) []inject.Result {
	if err := t.usable(); err != nil {
		return []inject.Result{inject.Explain(t.name, "", err)}
	}
	was, added := t.ours(), t.ptrace()
	var results []inject.Result
	var ptrace []string
	var first *container // that is wrapped
	for _, c := range t.containers() {
		had := slices.Contains(added, c.name)
		err := c.chosen(o)
		if err == nil {
			err = c.wrap(ctx, o)
		}
		if err != nil {
			if was {
				c.unwrap(had)
			}
			results = append(results, inject.Explain(t.name, c.name, err))
			continue
		}
		if first == nil {
			first = c
		}
		result := inject.Explain(t.name, c.name, nil)
		switch ours, err := c.capability(o.Ptrace, had); {
		case err != nil:
			result.Reason = "without SYS_PTRACE: " + err.Error()
		case ours:
			ptrace = append(ptrace, c.name)
		}
		results = append(results, result)
	}
	if first == nil {
		t.clear()
		return results
	}
	t.furnish(o, first, ptrace)
	return results
}

// remove takes trace out of the task.
func (t *task) remove() []inject.Result {
	if !literal(t.get("containerDefinitions"), yaml.SequenceNode) || !t.ours() {
		return []inject.Result{{Workload: t.name, Action: inject.Skipped, Reason: "trace is not in it"}}
	}
	added := t.ptrace()
	var results []inject.Result
	for _, c := range t.containers() {
		if c.unwrap(slices.Contains(added, c.name)) {
			results = append(results, inject.Result{Workload: t.name, Container: c.name, Action: inject.Removed})
		}
	}
	t.clear()
	return results
}

func (t *task) get(fields ...string) *yaml.Node {
	n := t.node
	for _, f := range fields {
		n = document.Get(n, t.key(f))
	}
	return n
}

// usable returns why nothing of a task can be wrapped.
func (t *task) usable() error {
	family := written(t.get("runtimePlatform", "operatingSystemFamily"))
	switch {
	case !literal(t.get("containerDefinitions"), yaml.SequenceNode):
		return inject.Skip("its containers are not known before deployment")
	case !absentOr(t.get("volumes"), yaml.SequenceNode):
		return inject.Skip("its volumes are not known before deployment")
	case strings.HasPrefix(strings.ToUpper(family), "WINDOWS"):
		return inject.Skip(fmt.Sprintf("it is for Windows (%s), and trace is for Linux", family))
	case written(t.get("pidMode")) == "host":
		return inject.Skip("it runs in the host's PID namespace, and works on processes that are not its own")
	case t.ours():
		return nil
	case document.Find(t.get("volumes"), t.key("name"), Volume) != nil:
		return inject.Skip("it has another volume of the name " + Volume)
	case document.Find(t.get("containerDefinitions"), t.key("name"), Install) != nil:
		return inject.Skip("it has another container of the name " + Install)
	}
	return nil
}

// installer is the container that is ours, nil if there is none.
func (t *task) installer() *yaml.Node {
	return document.Find(t.get("containerDefinitions"), t.key("name"), Install)
}

// ours reports whether trace is in the task: its volume, and what fills it.
func (t *task) ours() bool {
	return t.installer() != nil && document.Find(t.get("volumes"), t.key("name"), Volume) != nil
}

// ptrace are the containers that got SYS_PTRACE from us.
func (t *task) ptrace() (names []string) {
	label := document.Text(t.installer(), t.key("dockerLabels"), Ptrace)
	if json.Unmarshal([]byte(label), &names) != nil {
		return nil
	}
	return names
}

// containers are the task's, but for the one that is ours.
func (t *task) containers() []*container {
	proxy := written(t.get("proxyConfiguration", "containerName"))
	var list []*container
	var all []*yaml.Node
	for _, n := range document.EditItems(document.Edit(t.node, t.key("containerDefinitions"))) {
		all = append(all, alternatives(n)...)
	}
	for i, n := range all {
		name := written(document.Get(n, t.key("name")))
		switch name {
		case Install:
			continue
		case "":
			name = fmt.Sprintf("#%d", i+1)
		}
		list = append(list, &container{node: n, name: name, key: t.key, proxy: name == proxy})
	}
	return list
}

// installMemory is what our container reserves, in MiB, where each container of a task
// has to: enough to copy a file.
const installMemory = 32

// furnish gives the task what brings trace into it.
func (t *task) furnish(o *Options, first *container, ptrace []string) {
	key := t.key
	c := key.fields(
		"name", Install,
		"image", o.TraceImage,
		"essential", false, // it ends, and only such a container can be waited for with SUCCESS
		"user", "0", // ECS makes volumes that root alone can write
		"entryPoint", document.List(true, "/trace", "install", o.Dir),
		"readonlyRootFilesystem", true,
		"linuxParameters", key.fields("capabilities", key.fields("drop", document.List(true, "ALL"))),
		"mountPoints", []*yaml.Node{key.fields("sourceVolume", Volume, "containerPath", o.Dir)},
	)
	if t.get("memory") == nil && first.bounded() {
		document.Set(c, key("memoryReservation"), node(installMemory))
	}
	if log := first.get("logConfiguration"); literal(log, yaml.MappingNode) && document.Text(log, key("logDriver")) == "awslogs" {
		document.Set(c, key("logConfiguration"), document.Copy(log))
	}
	if len(ptrace) > 0 {
		names, _ := json.Marshal(ptrace) // strings can always be written
		document.Set(c, key("dockerLabels"), node(map[string]string{Ptrace: string(names)}))
	}
	upsert(t.node, key("containerDefinitions"), key("name"), c)
	upsert(t.node, key("volumes"), key("name"), key.fields("name", Volume), key("containerDefinitions"))
}

// clear takes away what furnish gives.
func (t *task) clear() {
	if t.ours() {
		document.RemoveItem(t.node, t.key("containerDefinitions"), t.key("name"), Install)
		document.RemoveItem(t.node, t.key("volumes"), t.key("name"), Volume)
	}
}
