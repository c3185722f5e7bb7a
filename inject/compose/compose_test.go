package compose

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-shellwords"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/injecttest"
)

// TestBroken: text that can't be read is refused, and where it is broken is said.
func TestBroken(t *testing.T) {
	out, _, err := Rewrite(context.Background(), []byte("services:\n  a:\n    image: [\n  b: c\n"), defaults(), false)
	var at *document.Error
	if !errors.As(err, &at) || at.Line < 4 || at.Column == 0 || out != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// TestOptionsChange: a second run with other options leaves nothing of the first.
func TestOptionsChange(t *testing.T) {
	in, err := os.ReadFile("testdata/app.input.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := run(t, in, defaults(), false)
	o := defaults()
	o.Dir, o.Exclude, o.Ptrace, o.Trace, o.ImageVolume = "/opt/l", []string{"api", "bare"}, false, nil, true
	got, _ := run(t, []byte(first), o, false)
	for _, gone := range []string{"/lanner", "SYS_PTRACE", Install, Extension, "it's", Volume + ":"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is still in\n%s", gone, got)
		}
	}
	for _, there := range []string{"entrypoint: /api --name", "entrypoint: []", "- type: image\n        source: example.com/trace:1\n        target: /opt/l"} {
		if !strings.Contains(got, there) {
			t.Errorf("%s is not in\n%s", there, got)
		}
	}
	if again, _ := run(t, []byte(got), o, false); again != got {
		t.Errorf("twice:\n%s", again)
	}
	if back, _ := run(t, []byte(got), o, true); strings.Contains(back, "/opt/l") || strings.Contains(back, "type: image") {
		t.Errorf("taken out:\n%s", back)
	}
}

// TestTaken: names that are taken are a reason to skip.
func TestTaken(t *testing.T) {
	for in, want := range map[string]string{
		"services: {a: {entrypoint: [a]}}\nvolumes: {lanner: }\n":        "another volume of the name lanner",
		"services: {a: {entrypoint: [a]}, lanner-install: {image: x}}\n": "another service of the name lanner-install",
		"services: {a: {entrypoint: [a]}}\nvolumes: [x]\n":               "volumes are not a mapping",
		"services: {a: {entrypoint: [a], volumes: {}}}\n":                "its volumes are not what",
		"services: {a: {entrypoint: {a: b}}}\n":                          "neither a string nor a list",
		"services: {a: {entrypoint: !reset [], image: x}}\n":             "its entrypoint is reset",
		"services: {a: 7}\n":                                                     "it is not a mapping",
		"services: {a: {extends: b}, b: {extends: a}}\n":                         "neither an entrypoint nor an image",
		"services: {a: {extends: c, image: x}}\n":                                "service c in another file",
		"services: {a: {entrypoint: [a], volumes: [\"${X:-a:b}:/lanner/y\"]}}\n": "another volume at /lanner/y",
	} {
		out, said := run(t, []byte(in), defaults(), false)
		if out != in || !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %s; it has become\n%s", in, said, want, out)
		}
	}
}

// TestStrings: words in front of a string are split off as they are, and taken off
// again.
func TestStrings(t *testing.T) {
	for _, text := range []string{"/app", `sh -c "exec a -- b"`, "-- x", ""} {
		for _, words := range [][]string{{"a b", "--"}, {"it's", `\ "q"`, "$x", "a -- b", "", "--x", "--"}, {"{\"*\":{}}", "--"}} {
			words = append([]string{"/lanner/trace"}, words...)
			old := command{node: document.String(text), text: true}
			n := old.wrapped(words)
			got, err := shellwords.Parse(n.Value)
			own, _ := shellwords.Parse(text)
			if err != nil || !slices.Equal(got, slices.Concat(words, own)) {
				t.Errorf("%q before %q is %q, which is %q, %v", words, text, n.Value, got, err)
			}
			if !inject.Wrapped(got, "/lanner") || rest(n.Value) != text {
				t.Errorf("the rest of %q is %q, not %q", n.Value, rest(n.Value), text)
			}
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
		"services: {a: {entrypoint: /lanner/trace -- x, volumes: [lanner:/lanner]}}\n",
		"services: {a: {entrypoint: [/lanner/trace, --], volumes: [{source: lanner}]}, lanner-install: {}}\nvolumes: {lanner: }\n",
		"services: {a: &a {entrypoint: [a], extends: b}, b: *a, c: {<<: *a, depends_on: [a]}}\nx-lanner: {sys_ptrace: [a]}\n",
		"services:\n  : {entrypoint: A}",
		"services:\n  : image: nginx:1.27\n  :",
	} {
		f.Add([]byte(s))
	}
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
