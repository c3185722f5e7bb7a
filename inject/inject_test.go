package inject

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func options() *Options {
	return &Options{Dir: DefaultDir, TraceImage: DefaultImage, Trace: []string{"-e", "execve"}}
}

// TestWrap: what a container starts, and that it comes back.
func TestWrap(t *testing.T) {
	images := Map{
		"app":  {AnyPlatform: {Entrypoint: []string{"/app"}, Cmd: []string{"serve", "$HOME"}}},
		"both": {"linux/amd64": {Cmd: []string{"/amd"}}, "linux/arm64": {Cmd: []string{"/arm"}}},
		"same": {"linux/amd64": {Cmd: []string{"/x"}}, "linux/arm64": {Cmd: []string{"/x"}}},
		"none": {AnyPlatform: {}},
	}
	prefix := []string{"/lanner/trace", "-e", "execve", "--"}
	looked := []string{"/lanner/trace", "run-entrypoint", "-e", "execve", "--entrypoints"}
	for _, c := range []struct {
		name  string
		start Start
		image string
		want  []string
		skip  string
	}{
		{"a command", Start{Entrypoint: []string{"sh", "-c", "x -- y"}}, "app", append(slices.Clone(prefix), "sh", "-c", "x -- y"), ""},
		{"an empty entrypoint with arguments", Start{Entrypoint: []string{}, Args: []string{"ls"}}, "app", prefix, ""},
		{"the image's", Start{}, "app", append(slices.Clone(looked), `{"*":{"entrypoint":["/app"],"cmd":["serve","$$HOME"]}}`, "--"), ""},
		{"by platform", Start{}, "both", append(slices.Clone(looked), `{"linux/amd64":{"cmd":["/amd"]},"linux/arm64":{"cmd":["/arm"]}}`, "--"), ""},
		{"the same on all", Start{}, "same", append(slices.Clone(looked), `{"*":{"cmd":["/x"]}}`, "--"), ""},
		{"no command at all", Start{}, "none", nil, "image none has no command"},
		{"arguments are the command", Start{Args: []string{"ls"}}, "none", append(slices.Clone(looked), `{"*":{}}`, "--"), ""},
		{"an unknown image", Start{}, "other", nil, "image other is not in the map file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			o.Entrypoints = images
			o.Escape = func(s string) string { return strings.ReplaceAll(s, "$", "$$") }
			got, err := o.Wrap(context.Background(), c.start, Image{Name: c.image})
			if c.skip != "" {
				if err == nil || !strings.Contains(err.Error(), c.skip) {
					t.Fatalf("%v, want %s", err, c.skip)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Fatalf("%q, %v, want %q", got, err, c.want)
			}
			if !Wrapped(got, DefaultDir) || Wrapped(got, "/other") {
				t.Error("is not known to be wrapped")
			}
			if back := Unwrap(got); !slices.Equal(back, c.start.Entrypoint) || (back == nil) != (c.start.Entrypoint == nil) {
				t.Errorf("unwrapped is %q, not %q", back, c.start.Entrypoint)
			}
		})
	}
	var skip Skip
	if _, err := options().Wrap(context.Background(), Start{}, Image{Name: "app"}); !errors.As(err, &skip) {
		t.Errorf("without a lookup: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, edit := range []func(*Options){
		func(o *Options) { o.Dir = "lanner" }, func(o *Options) { o.Dir = "/" }, func(o *Options) { o.Dir = "/a/../b" },
		func(o *Options) { o.Dir = "/a:b" }, func(o *Options) { o.TraceImage = "" }, func(o *Options) { o.Trace = []string{"--"} },
	} {
		o := options()
		edit(o)
		if o.Check() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	if err := options().Check(); err != nil {
		t.Error(err)
	}
}

func TestChosen(t *testing.T) {
	o := options()
	o.Containers, o.Exclude = []string{"a", "b"}, []string{"b"}
	if o.Chosen("a") != nil || o.Chosen("b") == nil || o.Chosen("c") == nil {
		t.Error("wrong containers chosen")
	}
}

func TestMap(t *testing.T) {
	m, err := parseMap([]byte("a: {entrypoint: [/a], cmd: [b]}\nb:\n  linux/amd64: {cmd: [/c]}\n  linux/arm64: {cmd: [/d]}\n"))
	if err != nil || !slices.Equal(m["a"][AnyPlatform].Cmd, []string{"b"}) || !slices.Equal(m["b"]["linux/arm64"].Cmd, []string{"/d"}) {
		t.Errorf("%v, %v", m, err)
	}
	for _, bad := range []string{"a: [x]\n", "a: {entry: [x]}\n", "- a\n", "a: {}\nb: 1\n", "a: {cmd: sh -c x}\n"} {
		if m, err := parseMap([]byte(bad)); err == nil {
			t.Errorf("%q gives %v", bad, m)
		}
	}
}

func FuzzMap(f *testing.F) {
	f.Add([]byte("a: {entrypoint: [/a], cmd: [b]}\n"))
	f.Add([]byte("b:\n  linux/amd64: {cmd: [/c]}\n"))
	f.Add([]byte(`{"a": {"*": {"cmd": []}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMap(text)
		if err != nil {
			return
		}
		for name, c := range m {
			if len(c) == 0 || c.String() == "" {
				t.Errorf("image %q has no commands in %q", name, text)
			}
		}
	})
}
