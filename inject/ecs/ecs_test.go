package ecs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/injecttest"
)

// TestBroken: text that can't be read is refused, and where it is broken is said.
func TestBroken(t *testing.T) {
	for in, want := range map[string]string{
		"{\n  \"containerDefinitions\": [{},]\n}\n":     "line 2, column 31: not JSON",
		"{\n  \"containerDefinitions\": [\n":            "line 2, column 28: not JSON",
		"{\"a\": 1} x":                                  "line 1, column 10: not JSON",
		"Resources:\n  T:\n    Type: [\n":               "line 4, column 1",
		"Resources:\n  T: 1\n T: 2\n":                   "line 3, column",
		"Resources: {}\nA: !Sub x\n---\nB: 'unfinished": "line 4, column",
	} {
		out, _, err := Rewrite(context.Background(), []byte(in), defaults(), false)
		var at *document.Error
		if !errors.As(err, &at) || !strings.HasPrefix(at.Error(), want) || out != nil {
			t.Errorf("%q: %q, %v, want %s", in, out, err, want)
		}
	}
}

// TestOptionsChange: a second run with other options leaves nothing of the first.
func TestOptionsChange(t *testing.T) {
	for _, name := range []string{"fargate.input.json", "template.input.yaml"} {
		in, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := defaults()
		o.Dir, o.Exclude, o.Ptrace, o.Trace, o.TraceImage = "/opt/l", []string{"cache", "debug"}, false, nil, "example.com/trace:2"
		first, _ := run(t, in, defaults(), false)
		got, _ := run(t, []byte(first), o, false)
		if name == "fargate.input.json" && strings.Count(got, "SYS_PTRACE") != 1 {
			t.Errorf("SYS_PTRACE is in it %d times, not where it was before only", strings.Count(got, "SYS_PTRACE"))
		}
		for _, gone := range []string{"\"/lanner", " /lanner", "trace:1", "execve", Ptrace} {
			if strings.Contains(got, gone) {
				t.Errorf("%s: %s is still in\n%s", name, gone, got)
			}
		}
		if again, _ := run(t, []byte(got), o, false); again != got {
			t.Errorf("%s: twice:\n%s", name, again)
		}
	}
}

// TestDescribed: what the API fills in when it describes an injected task definition is
// no change.
func TestDescribed(t *testing.T) {
	in := `{"taskDefinition": {"containerDefinitions": [{"name": "a", "memory": 9, "entryPoint": ["/a"]}]}}`
	out, _ := run(t, []byte(in), defaults(), false)
	for _, edit := range [][2]string{
		{`"name":"lanner-install",`, `"name":"lanner-install","cpu":0,"portMappings":[],"environment":[],"volumesFrom":[],"systemControls":[],`},
		{`{"name":"lanner"}`, `{"name":"lanner","host":{}}`},
		{`"drop":["ALL"]`, `"add":[],"drop":["ALL"]`},
	} {
		filled := strings.Replace(strings.NewReplacer(": ", ":", ", ", ",").Replace(out), edit[0], edit[1], 1)
		if !strings.Contains(filled, edit[1]) {
			t.Fatalf("%s is not in\n%s", edit[0], out)
		}
		if again, _ := run(t, []byte(filled), defaults(), false); again != filled {
			t.Errorf("%s becomes\n%s", filled, again)
		}
	}
}

// TestTaken: names that are taken are a reason to skip.
func TestTaken(t *testing.T) {
	for in, want := range map[string]string{
		`{"containerDefinitions": [{"name": "a", "entryPoint": ["/a"]}], "volumes": [{"name": "lanner"}]}`:                "it has another volume of the name lanner",
		`{"containerDefinitions": [{"name": "a", "entryPoint": ["/a"]}, {"name": "lanner-install"}]}`:                     "it has another container of the name lanner-install",
		`{"containerDefinitions": [7, {"name": "a"}]}`:                                                                    "#1: skipped: it is not known before deployment",
		`{"containerDefinitions": [{}]}`:                                                                                  "#1: skipped: it has neither an entry point nor an image",
		`{"containerDefinitions": {"a": 1}}`:                                                                              "its containers are not known",
		`{"containerDefinitions": [{"name": "a", "entryPoint": ["/a"], "dependsOn": "b"}]}`:                               "its dependsOn are not known",
		`{"containerDefinitions": [{"name": "a", "entryPoint": ["/a"], "mountPoints": [{"containerPath": "/lanner/"}]}]}`: "it has another volume at /lanner",
	} {
		out, said := run(t, []byte(in), defaults(), false)
		if out != in || !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %s; it has become\n%s", in, said, want, out)
		}
		if back, said := run(t, []byte(in), defaults(), true); back != in || !strings.Contains(said, "trace is not in it") {
			t.Errorf("%s: taken out it is %s, %s", in, back, said)
		}
	}
}

// FuzzRewrite: whatever is read comes out as something that can be read, twice is as
// once, and it can be taken out.
func FuzzRewrite(f *testing.F) {
	for _, name := range injecttest.Inputs(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{
		`{"containerDefinitions": [%s], "volumes": [1]}`, `{"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [%s]}}}}`,
	} {
		f.Add(fmt.Appendf(nil, s, `{"name": "a", "entryPoint": ["a"], "linuxParameters": {"capabilities": {"add": "x"}}, "dependsOn": [1]}`))
		f.Add(fmt.Appendf(nil, s, `{"Fn::If": [1, {"Name": "a", "EntryPoint": [{"Ref": "x"}]}, {"Fn::If": [2, 3, 4]}]}`))
	}
	f.Add([]byte("containerDefinitions: [&a {name: a, entryPoint: [a]}, *a]\nvolumes: &v []\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, err := Rewrite(context.Background(), in, defaults(), false)
		if err != nil {
			return
		}
		again, _, err := Rewrite(context.Background(), out, defaults(), false)
		if err != nil {
			t.Fatalf("%q has become %q: %v", in, out, err)
		}
		if !bytes.Equal(again, out) {
			t.Fatalf("%q has become %q, and then %q", in, out, again)
		}
		if _, _, err := Rewrite(context.Background(), out, defaults(), true); err != nil {
			t.Fatalf("%q has become %q, which can't be undone: %v", in, out, err)
		}
	})
}
