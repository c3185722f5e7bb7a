package webhook_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/lannerhq/lanner/internal/kubetest"
)

// TestKube installs the webhook on a real API server, as its manifests do, and has it
// called.
func TestKube(t *testing.T) {
	s := kubetest.Start(t)
	k := &kube{Server: s, inject: program(t)}
	k.install(t)
	stop := k.serve(t)
	for ns, labels := range map[string]string{
		"plain": "", "open": "lanner.dev/inject=enabled pod-security.kubernetes.io/enforce=privileged",
		"strict": "lanner.dev/inject=enabled pod-security.kubernetes.io/enforce=restricted", "own": "",
	} {
		k.namespace(t, ns, labels)
	}
	k.Must(t, "", "create", "serviceaccount", "default", "-n", "kube-system")
	k.Must(t, "", "create", "serviceaccount", "default", "-n", "lanner")

	t.Run("pods", k.pods)
	t.Run("restricted", k.restricted)
	t.Run("reinvocation", k.reinvocation)
	t.Run("ephemeral containers", k.ephemeral)
	t.Run("exec", k.exec)
	t.Run("files", k.files)
	t.Run("metrics", k.metrics)
	stop()
	t.Run("without the webhook", func(t *testing.T) {
		if p := k.create(t, "open", "away", ""); wrapped(p, "app") {
			t.Errorf("%s is wrapped, but no webhook runs", p.Name)
		}
	})
	k.Must(t, "", "delete", "mutatingwebhookconfiguration", "lanner")
	t.Run("policy", k.policy)
}

// A kube is the API server of the test, with what it has of us.
type kube struct {
	*kubetest.Server
	inject  string // the program
	address string // of the webhook
}

func program(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "inject")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/inject").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// install applies the manifests, those for exec included.
func (k *kube) install(t *testing.T) {
	t.Helper()
	manifests, err := filepath.Abs("../manifests")
	if err != nil {
		t.Fatal(err)
	}
	overlay := t.TempDir()
	there, err := filepath.Rel(overlay, manifests)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("resources: [%[1]s/base]\ncomponents: [%[1]s/exec, %[1]s/pull-secrets]\n", there)
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	k.Must(t, "", "apply", "-k", overlay)
}

// serve runs the webhook as its Deployment would: with the rights of its service
// account, behind its service.
func (k *kube) serve(t *testing.T) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", kubetest.Address(t)+":0")
	if err != nil {
		t.Fatal(err)
	}
	k.address = l.Addr().String()
	host, port, _ := net.SplitHostPort(k.address)
	l.Close()
	token := strings.TrimSpace(k.Must(t, "", "create", "token", "lanner-webhook", "-n", "lanner"))
	config := filepath.Join(k.Dir, "webhook-kubeconfig")
	if err := os.WriteFile(config, []byte(k.Kubeconfig(token)), 0o600); err != nil {
		t.Fatal(err)
	}
	images := filepath.Join(k.Dir, "images.yaml")
	if err := os.WriteFile(images, []byte("known: {entrypoint: [/known]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.Must(t, fmt.Sprintf(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: lanner-webhook-1, namespace: lanner, labels: {kubernetes.io/service-name: lanner-webhook}}
addressType: IPv4
ports: [{name: https, port: %s}]
endpoints: [{addresses: [%s], conditions: {ready: true}}]
`, port, host), "apply", "-f", "-")
	log, err := os.Create(filepath.Join(k.Dir, "webhook.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(k.inject, "webhook", "--kubeconfig", config, "--namespace", "lanner", "--listen", k.address,
		"--exec", "--sys-ptrace", "auto", "--offline", "--entrypoints", images, "--trace", "--on-failure=run -e execve,connect")
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the webhook said\n%s", text)
		}
	})
	until(t, "the webhook is ready", func() bool {
		status, _ := k.get("/readyz")
		return status == http.StatusOK
	})
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the webhook was told to end: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the webhook was told to end, and did not")
		}
	}
}

// get asks the webhook's server.
func (k *kube) get(path string) (status int, body string) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Get("https://" + k.address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it took more than a minute until %s", what)
		}
	}
}

func (k *kube) namespace(t *testing.T, name, labels string) {
	t.Helper()
	k.Must(t, "", "create", "namespace", name)
	if labels != "" {
		k.Must(t, "", append([]string{"label", "namespace", name}, strings.Fields(labels)...)...)
	}
	k.Must(t, "", "create", "serviceaccount", "default", "-n", name)
}

// create makes a pod of one container, app, and what is given for its spec and
// metadata as lines of YAML.
func (k *kube) create(t *testing.T, namespace, name, more string, metadata ...string) *core.Pod {
	t.Helper()
	text := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  namespace: %s\n%sspec:\n  containers:\n  - name: app\n    image: app\n    command: [/app]\n    args: [\"1\"]\n%s",
		name, namespace, strings.Join(metadata, ""), more)
	k.Must(t, text, "create", "-f", "-")
	return k.pod(t, namespace, name)
}

func (k *kube) pod(t *testing.T, namespace, name string) *core.Pod {
	t.Helper()
	var p core.Pod
	if err := json.Unmarshal([]byte(k.Must(t, "", "get", "pod", name, "-n", namespace, "-o", "json")), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// command is what a container of a pod starts.
func command(p *core.Pod, name string) string {
	for _, c := range append(p.Spec.InitContainers, p.Spec.Containers...) {
		if c.Name == name {
			return strings.Join(c.Command, " ")
		}
	}
	for _, c := range p.Spec.EphemeralContainers {
		if c.Name == name {
			return strings.Join(c.Command, " ")
		}
	}
	return ""
}

func wrapped(p *core.Pod, name string) bool {
	return strings.HasPrefix(command(p, name), "/lanner/trace ") && strings.Contains(command(p, name), " -- ")
}
