package kernel

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// TestFetch: what is fetched takes the place of what was there only if it is what was asked
// for.
func TestFetch(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/6.1.0-x/bpf" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte("no probe"))
	}))
	defer server.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "probe.o")
	if err := os.WriteFile(to, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ authority, path, want string }{
		{"", "/{kernel}/{driver}", "curl: (60)"}, // a server that nobody vouches for
		{authority, "/none", "404"},
		{authority, "/{kernel}/{driver}", "can't be used: this is no classic probe"},
	} {
		t.Setenv("CURL_CA_BUNDLE", c.authority)
		_, err := Build{Half: Half{Driver: ClassicBPF, File: to}, Release: "6.1.0-x", URL: server.URL + c.path}.Make(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "old" {
		t.Errorf("what was there is now %q, %v", b, err)
	}
}
