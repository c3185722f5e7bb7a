package k8s

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject/document"
)

// TestBroken: text that can't be read is refused, and where it is broken is said.
func TestBroken(t *testing.T) {
	out, _, err := Rewrite(context.Background(), []byte("kind: Pod\n---\nkind: Pod\nspec:\n  containers: [\n  - a\n"), defaults(), false)
	var at *document.Error
	if !errors.As(err, &at) || at.Line < 5 || at.Column == 0 || out != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// TestOptionsChange: a second run with other options leaves nothing of the first.
func TestOptionsChange(t *testing.T) {
	in, err := os.ReadFile("testdata/pods.input.yaml")
	if err != nil {
		t.Fatal(err)
	}
	run := func(in []byte, set func(*Options)) string {
		o := defaults()
		set(&o)
		out, _, err := Rewrite(context.Background(), in, o, false)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	full := run(in, func(o *Options) {
		o.InitContainers, o.Sidecars, o.Ptrace, o.Trace = true, true, PtraceAlways, []string{"-q"}
	})
	small := func(o *Options) { o.Dir, o.ImageVolume, o.Exclude = "/opt/l", true, []string{"worker"} }
	got := run([]byte(full), small)
	for _, gone := range []string{"SYS_PTRACE", "/lanner", "lanner-install", "emptyDir: {}\n---", "-q", "/worker, --"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is still in\n%s", gone, got)
		}
	}
	if want := run(in, small); got != want {
		t.Logf("by way of other options:\n%s\nat once:\n%s", got, want) // may differ in layout
	}
}

// TestConfigure: a functionConfig with mistakes is an error in the results.
func TestConfigure(t *testing.T) {
	for config, want := range map[string]string{
		"spec: {no-such: x}":                     "functionConfig: spec.no-such: there is no such option",
		"spec: {container: [[x]]}":               "it takes a text or a list",
		"kind: ConfigMap\n  data: {init: maybe}": `data.init: it takes true or false, not "maybe"`,
		"spec: {sys-ptrace: perhaps}":            `unknown choice "perhaps"`,
		"spec: {trace-dir: here}":                "must be an absolute path",
	} {
		in := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  " + config + "\nitems:\n- {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, command: [a]}]}}\n"
		out, _, err := Rewrite(context.Background(), []byte(in), defaults(), false)
		if err != nil || !strings.Contains(string(out), strings.ReplaceAll(want, "'", "''")) || !strings.Contains(string(out), "severity: error") || strings.Contains(string(out), "/lanner") {
			t.Errorf("%s: %v\n%s", config, err, out)
		}
	}
}

// FuzzRewrite: whatever is read comes out as something that can be read, twice is as
// once, and taken out it is as never put in.
func FuzzRewrite(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.input.*")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("apiVersion: v1\nkind: Pod\nspec: {containers: [&a {name: a, command: [a]}, *a], volumes: 7, initContainers: {}}\n"))
	f.Add([]byte("apiVersion: v1\nkind: Pod\nmetadata: x\nspec:\n  containers:\n  - name: a\n    command: [a]\n    volumeMounts: no\n    securityContext: []\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte("ResourceList")) {
			return // its results grow with every run
		}
		o := defaults()
		o.InitContainers, o.Sidecars, o.Ptrace = true, true, PtraceAlways
		out, _, err := Rewrite(context.Background(), in, o, false)
		if err != nil {
			return
		}
		again, _, err := Rewrite(context.Background(), out, o, false)
		if err != nil {
			t.Fatalf("%q has become %q: %v", in, out, err)
		}
		if !bytes.Equal(again, out) {
			t.Fatalf("%q has become %q, and then %q", in, out, again)
		}
		if _, _, err := Rewrite(context.Background(), out, o, true); err != nil {
			t.Fatalf("%q has become %q, which can't be undone: %v", in, out, err)
		}
	})
}
