package policy

import (
	"flag"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/k8s"
)

func config() Config {
	return Config{
		Options:    k8s.Options{Options: inject.Options{Dir: "/lanner", TraceImage: "example.com/trace:1"}, Ptrace: k8s.PtraceNever, Version: `v"1`},
		APIVersion: "v1beta1", Name: "lanner",
	}
}

// TestRender: what comes out is YAML, and texts are quoted. What it does is tried on an
// API server (package webhook, TestKube).
func TestRender(t *testing.T) {
	c := config()
	c.Options.Trace = []string{"--format", "a\"b\n$(X)"}
	out, err := Render(c)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Spec struct {
			Variables []struct{ Name, Expression string }
			Mutations []struct {
				JSONPatch struct{ Expression string } `yaml:"jsonPatch"`
			}
		}
	}
	first, _, _ := strings.Cut(string(out), "\n---\n")
	if err := yaml.Load([]byte(first), &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if patch := doc.Spec.Mutations[0].JSONPatch.Expression; !strings.Contains(patch, `["/lanner/trace","--format","a\"b\n$$(X)","--"] + c.command`) {
		t.Errorf("the patch is\n%s", patch)
	}
	for _, v := range doc.Spec.Variables {
		if v.Name == "status" && !strings.Contains(v.Expression, `"{\"version\":\"v\\\"1\",`) {
			t.Errorf("the status is %s", v.Expression)
		}
	}
}

var update = flag.Bool("update", false, "write the policy of the manifests")

// TestManifest: the policy among the manifests is what is rendered by default.
func TestManifest(t *testing.T) {
	c := config()
	c.Options.TraceImage, c.Options.Version, c.Leave = inject.DefaultImage, "", []string{"lanner"}
	c.Options.Trace = []string{"--on-failure=run"}
	want, err := Render(c)
	if err != nil {
		t.Fatal(err)
	}
	const file = "../manifests/policy/policy.yaml"
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("%s is stale: go test ./inject/policy -update writes it (%v)", file, err)
	}
}

func TestMistakes(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"unknown version":       func(c *Config) { c.APIVersion = "v2" },
		"name of a policy":      func(c *Config) { c.Name = "A b" },
		"wraps containers only": func(c *Config) { c.Options.Sidecars = true },
		"look images up":        func(c *Config) { c.Options.Entrypoints = inject.Map{} },
		"absolute path":         func(c *Config) { c.Options.Dir = "x" },
	} {
		c := config()
		set(&c)
		if _, err := Render(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
