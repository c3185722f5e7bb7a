package k8s

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject"
)

var update = flag.Bool("update", false, "write the golden files")

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
	"resourcelist.input.yaml": func(o *Options) {
		o.Entrypoints = nil
	},
	"pod.input.json": func(*Options) {},
}

// TestGolden: what comes out, what is said of it, that twice is as once, and that
// uninject gives back what went in.
func TestGolden(t *testing.T) {
	for name, set := range goldens {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			o := defaults()
			set(&o)
			out, results, err := Rewrite(context.Background(), in, o, false)
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			for _, r := range results {
				said.WriteString(r.String() + "\n")
			}
			golden(t, strings.Replace(name, ".input.", ".golden.", 1), out)
			golden(t, name[:strings.Index(name, ".")]+".explain", []byte(said.String()))

			if strings.HasPrefix(name, "resourcelist") {
				return // its results grow with every run
			}
			again, _, err := Rewrite(context.Background(), out, o, false)
			if err != nil || !bytes.Equal(again, out) {
				t.Errorf("twice: %v\n%s", err, again)
			}
			back, _, err := Rewrite(context.Background(), out, o, true)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.Replace(name, ".input.", ".back.", 1), back)
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it):\n%s", name, got)
	}
}
