// Package injecttest tests what rewrites workloads.
//
// In a nutshell: a format has files testdata/NAME.input.EXT; Golden rewrites each and
// compares what comes out with NAME.golden.EXT, what is said of it with NAME.EXT.explain,
// and what is left when trace is taken out again with NAME.back.EXT if that is not what
// went in.
package injecttest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/inject"
)

// update is what tests are called with when results are meant to change.
var update = flag.Bool("update", false, "write the golden files")

// A Rewrite puts trace into a text, or with remove takes it out.
type Rewrite func(text []byte, remove bool) ([]byte, []inject.Result, error)

// Run rewrites a text that can be read. It returns what comes out, and the results in
// lines.
func (f Rewrite) Run(t testing.TB, in string, remove bool) (out, said string) {
	t.Helper()
	text, results, err := f([]byte(in), remove)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		said += r.String() + "\n"
	}
	return string(text), said
}

// Inputs are the input files of testdata.
func Inputs(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.input.*")
	if err != nil || len(files) == 0 {
		t.Fatal("no inputs: ", err)
	}
	return files
}

// Golden tests the input files: what comes out, what is said of it, that twice is as
// once, and that taking trace out and putting it in lead to the same again. how is what
// rewrites a file of some name.
func Golden(t *testing.T, how func(name string) Rewrite) {
	for _, file := range Inputs(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rewrite := how(name)
			out, said := rewrite.Run(t, string(in), false)
			Compare(t, strings.Replace(file, ".input.", ".golden.", 1), out)
			Compare(t, strings.Replace(file, ".input.", ".", 1)+".explain", said)
			if again, _ := rewrite.Run(t, out, false); again != out {
				t.Errorf("twice:\n%s", again)
			}
			back, _ := rewrite.Run(t, out, true)
			left := strings.Replace(file, ".input.", ".back.", 1)
			if back != string(in) {
				Compare(t, left, back)
			} else if _, err := os.Stat(left); err == nil {
				t.Errorf("what comes back is what went in: remove %s", left)
			}
			there, _ := rewrite.Run(t, back, false)
			if again, _ := rewrite.Run(t, there, true); again != back {
				t.Errorf("there and back again:\n%s", again)
			}
		})
	}
}

// Compare compares a text with a file, or with -update writes it.
func Compare(t *testing.T, file, got string) {
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
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it):\n%s", file, got)
	}
}
