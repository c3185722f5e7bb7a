package kernel

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/fetchtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestExpand(t *testing.T) {
	b := Build{Half: Half{Driver: Module, Profile: spec.V036}, Release: "6.1.0-x"}
	for template, want := range map[string]string{
		"https://a/{kernel}/{driver}-{profile}.ko?{kernel}": "https://a/6.1.0-x/kmod-0.36.ko?6.1.0-x",
		"https://a/b": "https://a/b",
		"https://a/{": "", "https://a/{}": "", "https://a/{kernal}": "", "http://a/": "", "a": "", "--output=/etc/x": "",
	} {
		got, err := b.expand(template)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", template, got, err, want)
		}
	}
}

// TestFetch: what is fetched takes the place of what was there only if it is whole, and what
// was asked for. What is taken is in the tests of cmd/trace.
func TestFetch(t *testing.T) {
	const page = "<!DOCTYPE html><title>Sign in</title>"
	url, authority := fetchtest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Header().Set("Content-Length", strconv.Itoa(2*len(page)))
			fallthrough
		case "/6.1.0-x/bpf":
			_, _ = w.Write([]byte(page)) // curl says what it got
		default:
			http.NotFound(w, r)
		}
	})
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	to := filepath.Join(dir, "probe.o")
	if err := os.WriteFile(to, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ authority, path, want string }{
		{"", "/{kernel}/{driver}", "curl: (60)"}, // a server that nobody vouches for
		{authority, "/none", "404"},
		{authority, "/cut", "curl: (18)"}, // fewer bytes than were announced
		{authority, "/{kernel}/{driver}", "can't be used: this is no classic probe"},
	} {
		t.Setenv(fetchtest.Variable, c.authority)
		_, err := Build{Half: Half{Driver: ClassicBPF, File: to}, Release: "6.1.0-x", URL: url + c.path}.Make(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "old" {
		t.Errorf("what was there is now %q, %v", b, err)
	}
	for dir, want := range map[string]int{dir: 1, os.TempDir(): 0} {
		if left, err := os.ReadDir(dir); err != nil || len(left) != want {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
}
