// Package fetchtest has curl fetch from a test.
//
// In a nutshell: Serve is a server on the loopback interface whose certificate is good if
// CURL_CA_BUNDLE, curl's own variable, names the file that comes with it.
package fetchtest

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// Variable names the file of who vouches for servers.
const Variable = "CURL_CA_BUNDLE"

// Serve answers requests by https until the test ends.
func Serve(t *testing.T, handler http.HandlerFunc) (url, authority string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, authority
}
