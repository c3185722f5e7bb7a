package compose

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

// inputs are the files of testdata.
func inputs(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.input.*")
	if err != nil || len(files) == 0 {
		t.Fatal("no inputs: ", err)
	}
	return files
}

// run rewrites a text that can be read.
func run(t *testing.T, in []byte, o Options, remove bool) (string, string) {
	t.Helper()
	out, results, err := Rewrite(context.Background(), in, o, remove)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, r := range results {
		said.WriteString(r.String() + "\n")
	}
	return string(out), said.String()
}

// TestGolden: what comes out, what is said of it, that twice is as once, and that
// uninject gives back what went in, but for what was empty.
func TestGolden(t *testing.T) {
	for _, file := range inputs(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out, said := run(t, in, defaults(), false)
			golden(t, strings.Replace(file, ".input.", ".golden.", 1), out)
			golden(t, strings.Replace(file, ".input.", ".", 1)+".explain", said)
			if again, _ := run(t, []byte(out), defaults(), false); again != out {
				t.Errorf("twice:\n%s", again)
			}
			back, _ := run(t, []byte(out), defaults(), true)
			golden(t, strings.Replace(file, ".input.", ".back.", 1), back)
			there, _ := run(t, []byte(back), defaults(), false)
			if again, _ := run(t, []byte(there), defaults(), true); again != back {
				t.Errorf("there and back again:\n%s", again)
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(got), want) {
		t.Errorf("%s differs (go test -update writes it):\n%s", file, got)
	}
}

func defaults() Options {
	return Options{
		Options: inject.Options{Dir: inject.DefaultDir, TraceImage: "example.com/trace:1", Trace: []string{"--format", "it's $x"}, Entrypoints: inject.Map{
			"nginx:1.27":  {inject.AnyPlatform: {Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"nginx", "-g", "daemon off;"}}},
			"postgres:17": {inject.AnyPlatform: {Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"postgres"}}},
		}},
		Ptrace: true,
	}
}
