package compile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun: of all that a compiler says, the line that matters is the error.
func TestRun(t *testing.T) {
	for script, want := range map[string]string{
		"echo out": "",
		"echo 'a.c:1: note: x' >&2; echo 'a.c:2:1: error: y' >&2; exit 1":                 "sh: a.c:2:1: error: y",
		"echo 'sh: 1: gcc-10: not found' >&2; echo 'make: *** [x] Error 127' >&2; exit 2": "sh: sh: 1: gcc-10: not found",
		"echo 'make: *** no rule' >&2; exit 2":                                            "sh: make: *** no rule",
		"echo first >&2; echo second >&2; exit 3":                                         "sh: exit status 3: first",
	} {
		out, err := Run(context.Background(), t.TempDir(), "sh", "-c", script)
		if want == "" && (err != nil || out != "out\n") || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %q, %v; want %q", script, out, err, want)
		}
	}
}

func TestNeed(t *testing.T) {
	if err := Need("the package x", "sh"); err != nil {
		t.Error(err)
	}
	if err := Need("the package x", "sh", "no-such-program"); err == nil || err.Error() != "no-such-program is missing: install the package x" {
		t.Error(err)
	}
}

// TestInstall: what was there stays whole until all of what comes is, and nothing else is
// left in the directory.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to", "file")
	if err := os.WriteFile(from, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Install(from, to); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(to)
	st, _ := os.Stat(to)
	list, _ := os.ReadDir(filepath.Dir(to))
	if err != nil || string(got) != "new" || st.Mode().Perm() != 0o644 || len(list) != 1 {
		t.Errorf("%q %v %v %v", got, st.Mode(), list, err)
	}
	if err := Install(from, filepath.Join(from, "file")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("below a file: %v", err)
	}
}
