package k8s

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/injecttest"
)

func defaults() Options {
	return Options{
		Options: inject.Options{Dir: inject.DefaultDir, TraceImage: "example.com/trace:1", Entrypoints: inject.Map{
			"app":   {"linux/amd64": {Entrypoint: []string{"/bin/app"}, Cmd: []string{"$HOME"}}, "linux/arm64": {Entrypoint: []string{"/app"}}},
			"redis": {inject.AnyPlatform: {Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"redis-server"}}},
		}},
		Ptrace: PtraceNever, Version: "v1",
	}
}

// goldens are the files of testdata, each with options other than the defaults.
var goldens = map[string]func(*Options){
	"deployment.input.yaml": func(o *Options) { o.Trace = []string{"-e", "$x"} },
	"pods.input.yaml":       func(o *Options) { o.InitContainers, o.Sidecars, o.Ptrace = true, true, PtraceAuto },
	"kinds.input.yaml":      func(*Options) {},
	"odd.input.yaml":        func(o *Options) { o.Status = true },
	"pod.input.json":        func(*Options) {},
}

// rewriting rewrites with options.
func rewriting(o Options) injecttest.Rewrite {
	return func(text []byte, remove bool) ([]byte, []inject.Result, error) {
		return Rewrite(context.Background(), text, o, remove)
	}
}

func TestGolden(t *testing.T) {
	injecttest.Golden(t, func(name string) injecttest.Rewrite {
		o := defaults()
		goldens[name](&o)
		return rewriting(o)
	})
}

// TestResourceList: a KRM function's results are added to the list, at each run.
func TestResourceList(t *testing.T) {
	in, err := os.ReadFile("testdata/resourcelist.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	o.Entrypoints = nil
	out, said := rewriting(o).Run(t, string(in), false)
	injecttest.Compare(t, "testdata/resourcelist.golden.yaml", out)
	injecttest.Compare(t, "testdata/resourcelist.yaml.explain", said)
	back, said := rewriting(Options{}).Run(t, out, true)
	if strings.Contains(back, "/lanner/trace") || !strings.Contains(said, ": unwrapped\n") {
		t.Errorf("%s\n%s", said, back)
	}
}
