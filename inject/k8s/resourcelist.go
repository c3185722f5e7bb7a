package k8s

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// resourceList rewrites the items of a ResourceList, as a KRM function does
// (github.com/kubernetes-sigs/kustomize cmd/config/docs/api-conventions/
// functions-spec.md): options come from the functionConfig, and the results are added
// to the list.
func (r *rewriter) resourceList(n *yaml.Node) {
	config := document.Get(n, "functionConfig")
	inner := *r
	inner.results = nil
	var results []krmResult
	var err error
	if !r.remove { // which has no options
		err = inner.o.Configure(config)
	}
	if err != nil {
		results = append(results, krmResult{Message: err.Error(), Severity: "error"})
	} else {
		for _, item := range document.EditItems(document.Edit(n, "items")) {
			mark := len(inner.results)
			inner.object(item, 1)
			for _, one := range inner.results[mark:] {
				if one.Action != inject.Passed {
					results = append(results, krmResult{one.String(), "info", reference(item)})
				}
			}
		}
	}
	r.results = append(r.results, inner.results...)
	list := document.Edit(n, "results")
	if list == nil {
		list = document.List(false)
	}
	for _, one := range results {
		list.Content = append(list.Content, document.Make(one))
	}
	if len(list.Content) > 0 {
		document.Set(n, "results", list)
	}
}

type krmResult struct {
	Message  string            `yaml:"message"`
	Severity string            `yaml:"severity"`
	Resource map[string]string `yaml:"resourceRef,omitempty"`
}

func reference(n *yaml.Node) map[string]string {
	ref := map[string]string{"apiVersion": document.Text(n, "apiVersion"), "kind": document.Text(n, "kind"), "name": document.Text(n, "metadata", "name")}
	if ns := document.Text(n, "metadata", "namespace"); ns != "" {
		ref["namespace"] = ns
	}
	return ref
}

// Configure sets options from a functionConfig: a ConfigMap's data, or the spec of any
// other kind. Its keys are those of the command line.
func (o *Options) Configure(config *yaml.Node) error {
	section := "spec"
	if document.Text(config, "kind") == "ConfigMap" {
		section = "data"
	}
	data := document.Get(config, section)
	if data == nil {
		return nil
	}
	for i := 0; i+1 < len(data.Content); i += 2 {
		key := data.Content[i].Value
		if err := o.configure(key, document.Get(data, key)); err != nil {
			return fmt.Errorf("functionConfig: %s.%s: %w", section, key, err)
		}
	}
	return o.Check()
}

func (o *Options) configure(key string, value *yaml.Node) error {
	text, isText := "", value != nil && value.Kind == yaml.ScalarNode
	if isText {
		text = value.Value
	}
	words, ok := document.Strings(value)
	if isText {
		words, ok = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), true
	}
	if !ok {
		return errors.New("it takes a text or a list of texts")
	}
	yes := text == "true"
	if boolean := slices.Contains([]string{"init", "sidecars", "image-volume"}, key); boolean && !yes && text != "false" {
		return fmt.Errorf("it takes true or false, not %q", text)
	}
	switch key {
	case "container":
		o.Containers = words
	case "exclude":
		o.Exclude = words
	case "trace":
		if o.Trace = words; isText {
			var err error
			o.Trace, err = inject.Words(text)
			return err
		}
	case "trace-image":
		o.TraceImage = text
	case "trace-dir":
		o.Dir = text
	case "sys-ptrace":
		o.Ptrace = Ptrace(text)
	case "init":
		o.InitContainers = yes
	case "sidecars":
		o.Sidecars = yes
	case "image-volume":
		o.ImageVolume = yes
	default:
		return errors.New("there is no such option")
	}
	return nil
}
