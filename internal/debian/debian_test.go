package debian

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// small is a package without dependencies that matter, found in the second suite.
func small() Tree {
	return Tree{
		Name: "small", Suites: []string{"no-such-suite", "stable"}, Packages: []string{"debianutils"},
		Follow: regexp.MustCompile(`^hostname$`),
	}
}

func fetch(t *testing.T, tree Tree) string {
	t.Helper()
	root, err := tree.Fetch()
	if err == nil {
		return root
	}
	if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

func TestFetch(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root := fetch(t, small())
	program := filepath.Join(root, "usr/bin/run-parts")
	if _, err := os.Stat(program); err != nil {
		program = filepath.Join(root, "bin/run-parts")
	}
	first, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := filepath.Glob(root + "/lib/*/libc.so.6"); len(out) != 0 {
		t.Error("a dependency came along that was not asked for")
	}

	// A tree that is there does, while it is new or cannot be fetched.
	again := small()
	again.Suites = []string{"no-such-suite"}
	if got := fetch(t, again); got != root {
		t.Errorf("fetched again to %s", got)
	}
	old := time.Now().Add(-2 * week)
	if err := os.Chtimes(root, old, old); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, again); got != root {
		t.Errorf("an old tree is no longer used but %s", got)
	}
	if now, err := os.Stat(program); err != nil || !os.SameFile(first, now) {
		t.Errorf("it was replaced: %v", err)
	}
}

func TestNowhere(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	tree := small()
	tree.Suites = tree.Suites[:1]
	if _, err := tree.Fetch(); err == nil || !strings.Contains(err.Error(), "no-such-suite: ") {
		t.Errorf("error %v, want one that names the suite", err)
	}
}
