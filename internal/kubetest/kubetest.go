// Package kubetest runs a Kubernetes API server for tests: the real one with a real
// etcd, without nodes or controllers.
//
// In a nutshell: Start builds kube-apiserver and kubectl from their Go module, once,
// into the user's cache directory (several minutes on two CPUs), takes etcd from Debian,
// starts both for the test, and returns what calls kubectl. Validate has the API server's
// validation alone. Tests that use them run where LANNER_TEST_KUBE is set (make test-kube).
package kubetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/debian"
)

// A Server is a running API server.
type Server struct {
	URL  string // https://127.0.0.1:PORT
	Dir  string // files of the server
	bins string
}

// adminToken is the password of the one user that there is from the start.
const adminToken = "admin-of-a-test"

// Start starts an API server that ends with the test, or skips the test.
func Start(t *testing.T) *Server {
	t.Helper()
	if os.Getenv("LANNER_TEST_KUBE") == "" {
		t.Skip("LANNER_TEST_KUBE is not set: needs a kube-apiserver, which takes minutes to build")
	}
	bins, err := build("kube-apiserver", "kubectl")
	if err != nil {
		t.Fatal(err)
	}
	root, err := debian.Tree{Name: "etcd", Suites: []string{"stable", "testing"}, Packages: []string{"etcd-server"}}.Fetch()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: t.TempDir(), bins: bins}
	client, peer, secure := port(t), port(t), port(t)
	etcd := fmt.Sprintf("http://127.0.0.1:%d", client)
	s.run(t, "etcd", filepath.Join(root, "usr/bin/etcd"), "--data-dir", filepath.Join(s.Dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", peer), "--initial-advertise-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", peer),
		"--initial-cluster", fmt.Sprintf("default=http://127.0.0.1:%d", peer))

	s.URL = fmt.Sprintf("https://127.0.0.1:%d", secure)
	key := filepath.Join(s.Dir, "sa.key")
	s.write(t, "sa.key", ecKey(t))
	s.write(t, "tokens.csv", adminToken+",admin,admin,system:masters\n")
	s.write(t, "kubeconfig", s.Kubeconfig(adminToken))
	s.run(t, "kube-apiserver", filepath.Join(bins, "kube-apiserver"), "--etcd-servers", etcd,
		"--bind-address", "127.0.0.1", "--advertise-address", Address(t), "--secure-port", fmt.Sprint(secure), "--cert-dir", filepath.Join(s.Dir, "certs"),
		"--token-auth-file", filepath.Join(s.Dir, "tokens.csv"), "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.99.0.0/24",
		"--service-account-issuer", "https://kubetest", "--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--enable-aggregator-routing", // services are their endpoints: there is no kube-proxy
		"--feature-gates", "MutatingAdmissionPolicy=true,ImageVolume=true", "--runtime-config", "admissionregistration.k8s.io/v1beta1=true")
	s.wait(t)
	return s
}

// Address is an address of this machine that is not of its loopback, which the API
// server takes for no endpoint of a service.
func Address(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but that of its loopback")
	return ""
}

// Kubeconfig is the text of a file that leads to the server, as the owner of a token.
func (s *Server) Kubeconfig(token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, insecure-skip-tls-verify: true}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {token: %q}}]
`, s.URL, token)
}

// Kubectl runs kubectl as the administrator. Its error has what kubectl complained of.
func (s *Server) Kubectl(stdin string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.bins, "kubectl"), append([]string{"--kubeconfig", filepath.Join(s.Dir, "kubeconfig")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+s.Dir)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, complaints.String())
	}
	return string(out), err
}

// Must is Kubectl where the test ends if it fails.
func (s *Server) Must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := s.Kubectl(stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run starts a part of the server, whose log goes to a file that a failed test shows.
func (s *Server) run(t *testing.T, name, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(s.Dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s ended its log with\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

// wait waits until the server is ready.
func (s *Server) wait(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, s.URL+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+adminToken)
		answer, err := client.Do(request)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("the API server did not become ready")
}

func (s *Server) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// port finds a free port.
func port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// ecKey makes a private key, PEM.
func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}
