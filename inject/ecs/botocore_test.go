package ecs

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/injecttest"
)

// A sample is a task definition for validate.py.
type sample struct {
	Where string          `json:"where"`
	Kind  string          `json:"kind"`
	Task  json.RawMessage `json:"task"`
}

// TestBotocore: the API takes what comes out, as AWS's own library checks it.
func TestBotocore(t *testing.T) {
	if err := exec.Command("python3", "-c", "import botocore").Run(); err != nil {
		if os.Getenv("LANNER_TEST_ALL") == "1" {
			t.Fatal("python3-botocore is not installed")
		}
		t.Skip("python3-botocore is not installed")
	}
	var samples []sample
	for _, file := range injecttest.Inputs(t) {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := run(t, in, defaults(), false)
		samples = append(samples, tasks(t, filepath.Base(file), out)...)
	}
	if len(samples) < 6 {
		t.Fatalf("only %d task definitions", len(samples))
	}
	if bad := botocore(t, samples); bad != "" {
		t.Error(bad)
	}
	// And it would tell.
	wrong := []sample{{"api", "api", []byte(`{"family": "x", "containerDefinitions": [{"entrypoint": []}]}`)},
		{"template", "template", []byte(`{"Family": "x", "ContainerDefinitions": [{"EntryPoint": "x"}]}`)}}
	if bad := botocore(t, wrong); !strings.Contains(bad, `api Unknown parameter in containerDefinitions[0]: "entrypoint"`) || !strings.Contains(bad, "template Invalid type") {
		t.Errorf("mistakes give %q", bad)
	}
}

// botocore returns what validate.py says of task definitions.
func botocore(t *testing.T, samples []sample) string {
	in, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "testdata/validate.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// tasks are the task definitions of a text.
func tasks(t *testing.T, name, text string) (found []sample) {
	docs, err := document.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if inner := document.Get(d.Root, "taskDefinition"); inner != nil {
			found = append(found, sample{name, "described", document.JSON(inner)})
		} else if document.Get(d.Root, "containerDefinitions") != nil {
			document.Remove(d.Root, "x-unknown") // which is there to show that it is kept
			found = append(found, sample{name, "api", document.JSON(d.Root)})
		}
		resources := document.Get(d.Root, "Resources")
		for i := 0; resources != nil && i < len(resources.Content); i += 2 {
			properties := document.Get(resources.Content[i+1], "Properties")
			if document.Text(resources.Content[i+1], "Type") == taskDefinition && document.Get(properties, "Fn::Transform") == nil {
				found = append(found, sample{name + " " + resources.Content[i].Value, "template", document.JSON(long(properties))})
			}
		}
	}
	return found
}

// long writes the short forms of functions as mappings. Of an If it takes the first
// branch.
func long(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, long(child))
	}
	name, short := strings.CutPrefix(n.ShortTag(), "!")
	switch {
	case !short || strings.HasPrefix(name, "!"):
		return &c
	case name == "If":
		return c.Content[1]
	case name != "Ref":
		name = "Fn::" + name
	}
	c.Tag, c.Style = "", 0
	m := document.Map()
	document.Set(m, name, document.String("x"))
	return m
}
