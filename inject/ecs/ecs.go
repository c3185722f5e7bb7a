// Package ecs puts trace into task definitions of Amazon ECS.
//
// In a nutshell: Rewrite reads task definitions as the API takes and gives them, or the
// ones in CloudFormation templates (dialect.go tells them apart), and edits each
// (task.go): a container that runs first copies trace into a volume; the chosen
// containers (container.go) wait for it and start with trace from there. All of that is
// known by its name, so it can be replaced by a later run, or taken out again. What
// CloudFormation computes (!Ref, !Sub, Fn::If, ...) is kept where it is one word of a
// command, and a reason to skip where it stands for the whole.
package ecs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// Names that users and other programs see.
const (
	Volume  = "lanner"            // the volume that holds trace
	Install = "lanner-install"    // the container that fills it
	Ptrace  = "lanner.dev/ptrace" // its docker label: a JSON list of the containers that got SYS_PTRACE from us
)

// Options say what is done to task definitions.
type Options struct {
	inject.Options
	Ptrace bool // give the containers SYS_PTRACE
}

// Rewrite puts trace into the task definitions of a stream of JSON or YAML documents,
// or with remove takes it out of them. Only text that can't be read is an error, of
// type *document.Error; what can't be changed is passed through, and its results say
// why.
func Rewrite(ctx context.Context, stream []byte, o Options, remove bool) ([]byte, []inject.Result, error) {
	if err := checkJSON(stream); err != nil {
		return nil, nil, err
	}
	docs, err := document.Parse(stream)
	if err != nil {
		return nil, nil, err
	}
	out, results := inject.Documents(docs, inject.Unnamed, func(n *yaml.Node) []inject.Result { return rewrite(ctx, n, &o, remove) })
	return out, results, nil
}

// checkJSON reports where text that is meant to be JSON is not. Read as YAML, some
// mistakes of JSON would pass, but not at AWS.
func checkJSON(text []byte) error {
	if t := bytes.TrimSpace(text); len(t) == 0 || t[0] != '{' {
		return nil
	}
	var v json.RawMessage
	var bad *json.SyntaxError
	if err := json.Unmarshal(text, &v); !errors.As(err, &bad) {
		return nil
	}
	before := text[:max(bad.Offset-1, 0)]
	return &document.Error{
		Line:    bytes.Count(before, []byte("\n")) + 1,
		Column:  len(before) - bytes.LastIndexByte(before, '\n'),
		Problem: "not JSON: " + bad.Error(),
	}
}

// rewrite changes the task definitions of one document.
func rewrite(ctx context.Context, root *yaml.Node, o *Options, remove bool) []inject.Result {
	if root == nil {
		return nil
	}
	tasks, results := find(root)
	if len(tasks)+len(results) == 0 {
		return []inject.Result{{Workload: "document without a task definition", Action: inject.Passed}}
	}
	for _, t := range tasks {
		if remove {
			results = append(results, t.remove()...)
		} else {
			results = append(results, t.inject(ctx, o)...)
		}
	}
	return results
}

// taskDefinition is the type of the resource in templates.
const taskDefinition = "AWS::ECS::TaskDefinition"

// find returns the task definitions of a document, for editing, and results for those
// that can't be.
func find(root *yaml.Node) (tasks []*task, results []inject.Result) {
	if list := document.Get(root, "containerDefinitions"); list != nil {
		return []*task{{node: root, name: "task definition " + document.Text(root, "family"), key: api}}, nil
	}
	if inner := document.Edit(root, "taskDefinition"); document.Get(inner, "containerDefinitions") != nil {
		return []*task{{node: inner, name: "task definition " + document.Text(inner, "family"), key: api}}, nil
	}
	resources := document.Edit(root, "Resources")
	if resources == nil || resources.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(resources.Content); i += 2 {
		id := resources.Content[i].Value
		if document.Text(document.Get(resources, id), "Type") != taskDefinition {
			continue
		}
		name := taskDefinition + " " + id
		properties := document.Edit(document.Edit(resources, id), "Properties")
		if !literal(properties, yaml.MappingNode) {
			results = append(results, inject.Explain(name, "", inject.Skip("its properties are not known before deployment")))
			continue
		}
		tasks = append(tasks, &task{node: properties, name: name, key: template})
	}
	return tasks, results
}
