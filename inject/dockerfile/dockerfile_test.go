package dockerfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/injecttest"
)

func defaults() Options {
	return Options{inject.Options{Dir: inject.DefaultDir, TraceImage: "example.com/trace:1", Trace: []string{"-e", "execve"}, Entrypoints: inject.Map{
		"nginx:1.27": {inject.AnyPlatform: {Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"nginx"}}},
	}}}
}

// rewriting rewrites with options.
func rewriting(o Options) injecttest.Rewrite {
	return func(text []byte, remove bool) ([]byte, []inject.Result, error) {
		return Rewrite(context.Background(), text, o, remove)
	}
}

// run rewrites a text that can be read.
func run(t *testing.T, in string, o Options, remove bool) (out, said string) {
	t.Helper()
	return rewriting(o).Run(t, in, remove)
}

func TestGolden(t *testing.T) {
	injecttest.Golden(t, func(string) injecttest.Rewrite { return rewriting(defaults()) })
}

// TestStages: named stages, and names that there are not.
func TestStages(t *testing.T) {
	in, err := os.ReadFile("testdata/app.input.Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	o.Containers = []string{"WEB", "0", "other"}
	out, said := run(t, string(in), o, false)
	if said != "stage build: wrapped\nstage web: wrapped\nstage other: skipped: the Dockerfile has no stage of this name\n" {
		t.Error(said)
	}
	if strings.Count(out, "COPY --from=example.com/trace:1 /trace /lanner/trace\n") != 2 || !strings.Contains(out, "\n#lanner# ENTRYPOINT [\"/build\"]\n"+begin) ||
		!strings.Contains(out, "\nENTRYPOINT [\"/app\", \\\n") {
		t.Error(out)
	}
	if back, _ := run(t, out, o, true); back != string(in) {
		t.Errorf("taken out it is\n%s", back)
	}
	last, _ := run(t, out, defaults(), false)
	if want, _ := run(t, string(in), defaults(), false); last != want {
		t.Errorf("with other options it becomes\n%s", last)
	}
}

// TestNameOfStage: COPY --from takes a stage before an image.
func TestNameOfStage(t *testing.T) {
	in, o := "FROM a AS Trace\nFROM b\nENTRYPOINT [\"/b\"]\n", defaults()
	o.TraceImage = "trace"
	if out, said := run(t, in, o, false); out != in || !strings.Contains(said, "skipped: a stage has the name of the trace image, trace") {
		t.Errorf("%s becomes\n%s", said, out)
	}
}

// TestBroken: text that can't be read is refused, and where it is broken is said.
func TestBroken(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "line 1, column 1: file with no instructions",
		"# nothing\n":                        "line 1, column 1: file with no instructions",
		"ARG a\n":                            "line 1, column 1: there is no FROM",
		"ARG a\n  RUN x\nFROM y\n":           "line 2, column 3: RUN before the first FROM",
		"FROM a b\n":                         "line 1, column 1: FROM takes an image",
		"FROM a\nRUN <<E\nx\n":               "line 2, column 1: unterminated heredoc",
		"FROM a\n\n ENTRYPOINT [\"a\", 1]\n": "line 3, column 2: when using JSON array",
		"FROM a\nENV b\n":                    "line 2, column 1:",
	} {
		for _, remove := range []bool{false, true} {
			out, _, err := Rewrite(context.Background(), []byte(in), defaults(), remove)
			var at *document.Error
			if !errors.As(err, &at) || !strings.HasPrefix(at.Error(), want) || out != nil || strings.Contains(at.Error(), "\n") {
				t.Errorf("%q: %q, %v, want %s", in, out, err, want)
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
		f.Add(string(text))
	}
	f.Add("FROM a\nENTRYPOINT x\n" + begin + "\n" + mark + "\n" + end)
	f.Add("FROM a\nENTRYPOINT x\n" + begin + "\n")
	f.Add("FROM scratch\nENTRYPOINT []\nCMD [\"a\"]\nONBUILD ENTRYPOINT [\"x\"]\nRUN cat <<A <<-B\n" + mark + "\nA\n\tB\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, _, err := Rewrite(context.Background(), []byte(in), defaults(), false)
		if err != nil {
			return
		}
		again, _, err := Rewrite(context.Background(), out, defaults(), false)
		if err != nil {
			t.Fatalf("%q has become %q: %v", in, out, err)
		}
		if string(again) != string(out) {
			t.Fatalf("%q has become %q, and then %q", in, out, again)
		}
		if _, _, err := Rewrite(context.Background(), out, defaults(), true); err != nil {
			t.Fatalf("%q has become %q, which can't be undone: %v", in, out, err)
		}
	})
}
