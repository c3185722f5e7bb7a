package webhook_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	core "k8s.io/api/core/v1"

	"github.com/lannerhq/lanner/internal/kubetest"
)

const status = "lanner.dev/status"

func (k *kube) pods(t *testing.T) {
	p := k.create(t, "open", "first", "  - name: looked-up\n    image: known\n  - name: unknown\n    image: unknown\n")
	if want := "/lanner/trace --on-failure=run -e execve,connect -- /app"; command(p, "app") != want {
		t.Errorf("app starts %q, not %q", command(p, "app"), want)
	}
	if want := `/lanner/trace run-entrypoint --on-failure=run -e execve,connect --entrypoints {"*":{"entrypoint":["/known"]}} --`; command(p, "looked-up") != want {
		t.Errorf("looked-up starts %q, not %q", command(p, "looked-up"), want)
	}
	if first := p.Spec.InitContainers[0]; first.Name != "lanner-install" || strings.Join(first.Command, " ") != "/trace install /lanner" {
		t.Errorf("the first init container is %+v", first)
	}
	if add := p.Spec.Containers[0].SecurityContext; add == nil || add.Capabilities == nil || len(add.Capabilities.Add) != 1 {
		t.Errorf("the namespace allows SYS_PTRACE, but app has %+v", add)
	}
	for _, want := range []string{`"wrapped":["app","looked-up"]`, `"unknown":"image unknown is not in the map file"`, `"version":`} {
		if !strings.Contains(p.Annotations[status], want) {
			t.Errorf("the status is %s, without %s", p.Annotations[status], want)
		}
	}

	for _, c := range []struct {
		namespace, name, metadata string
		want                      bool
	}{
		{"plain", "not-asked", "", false},
		{"plain", "asked", "  labels: {lanner.dev/inject: enabled}\n", true},
		{"open", "refused", "  labels: {lanner.dev/inject: disabled}\n", false},
		{"open", "excluded", "  annotations: {lanner.dev/exclude: app}\n", false},
		{"open", "mistaken", "  annotations: {lanner.dev/include: \"a b\"}\n", false},
		{"kube-system", "system", "  labels: {lanner.dev/inject: enabled}\n", false},
	} {
		if p := k.create(t, c.namespace, c.name, "", c.metadata); wrapped(p, "app") != c.want {
			t.Errorf("%s/%s starts %q", c.namespace, c.name, command(p, "app"))
		}
	}
	if s := k.pod(t, "open", "mistaken").Annotations[status]; !strings.Contains(s, `annotation lanner.dev/include is \"a b\"`) {
		t.Errorf("the status does not say what is wrong: %s", s)
	}
	if s := k.pod(t, "open", "excluded").Annotations[status]; !strings.Contains(s, `"app":"excluded"`) {
		t.Errorf("the status does not say what was skipped: %s", s)
	}
}

const strictly = `    securityContext: {allowPrivilegeEscalation: false, runAsUser: 1234, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
`

func (k *kube) restricted(t *testing.T) {
	p := k.create(t, "strict", "strict", strictly)
	if !wrapped(p, "app") {
		t.Errorf("app starts %q", command(p, "app"))
	}
	if user := p.Spec.InitContainers[0].SecurityContext.RunAsUser; user == nil || *user != 1234 {
		t.Errorf("the init container's user is %v", user)
	}
	image := k.create(t, "strict", "user-of-the-image", strings.Replace(strictly, "runAsUser: 1234, ", "", 1))
	if user := image.Spec.InitContainers[0].SecurityContext.RunAsUser; !wrapped(image, "app") || user == nil || *user != 65532 {
		t.Errorf("app starts %q, and the init container's user is %v", command(image, "app"), user)
	}
	if len(p.Spec.Containers[0].SecurityContext.Capabilities.Add) > 0 {
		t.Error("SYS_PTRACE was added where PodSecurity forbids it")
	}
	if _, err := k.Kubectl("apiVersion: v1\nkind: Pod\nmetadata: {name: loose, namespace: strict}\nspec: {containers: [{name: a, image: a}]}\n", "create", "-f", "-"); err == nil {
		t.Error("PodSecurity is not enforced here, so nothing was shown")
	}
}

// reinvocation: another webhook adds a container after ours has seen the pod, and one
// that it wrapped already is left alone.
func (k *kube) reinvocation(t *testing.T) {
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review map[string]any
		if json.NewDecoder(r.Body).Decode(&review) != nil {
			return
		}
		request := review["request"].(map[string]any)
		patch := `[{"op":"add","path":"/spec/containers/-","value":{"name":"late","image":"late","command":["/late"]}}]`
		if strings.Contains(fmt.Sprint(request["object"]), "/late") {
			patch = "[]"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": map[string]any{"uid": request["uid"], "allowed": true, "patchType": "JSONPatch", "patch": []byte(patch)}})
	}))
	defer other.Close()
	ca, _ := json.Marshal(certificatePEM(other))
	k.Must(t, fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: zz-other}
webhooks:
- name: other.example.com
  admissionReviewVersions: [v1]
  clientConfig: {url: %q, caBundle: %s}
  namespaceSelector: {matchLabels: {other: "yes"}}
  reinvocationPolicy: IfNeeded
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  sideEffects: None
`, other.URL, ca), "apply", "-f", "-")
	k.namespace(t, "both", "lanner.dev/inject=enabled other=yes")
	var p *core.Pod
	n := 0
	until(t, "the other webhook is called", func() bool {
		n++
		p = k.create(t, "both", fmt.Sprintf("both-%d", n), "")
		return command(p, "late") != ""
	})
	for name, want := range map[string]string{"app": "-- /app", "late": "-- /late"} {
		if c := command(p, name); strings.Count(c, "/lanner/trace") != 1 || !strings.HasSuffix(c, want) {
			t.Errorf("%s starts %q", name, c)
		}
	}
	if len(p.Spec.InitContainers) != 1 || !strings.Contains(p.Annotations[status], `["app","late"]`) {
		t.Errorf("%d init containers, status %s", len(p.Spec.InitContainers), p.Annotations[status])
	}
	k.Must(t, "", "delete", "mutatingwebhookconfiguration", "zz-other")
}

func (k *kube) ephemeral(t *testing.T) {
	k.create(t, "open", "debugged", "")
	k.Must(t, "", "debug", "debugged", "-n", "open", "--image=busybox", "-c", "debug", "--profile=general", "--", "sh", "-c", "true")
	if c := command(k.pod(t, "open", "debugged"), "debug"); c != "/lanner/trace --on-failure=run -e execve,connect -- sh -c true" {
		t.Errorf("the ephemeral container starts %q", c)
	}
	k.Must(t, "", "debug", "debugged", "-n", "open", "--image=busybox", "-c", "second", "--profile=general", "--", "ls")
	if c := command(k.pod(t, "open", "debugged"), "debug"); strings.Count(c, "/lanner/trace") != 1 {
		t.Errorf("the first ephemeral container starts %q after the second came", c)
	}
}

// exec asks for a command on a node that only notes what it is asked for.
func (k *kube) exec(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	node := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path+" "+strings.Join(r.URL.Query()["command"], "|"))
		http.Error(w, "this is no node", http.StatusTeapot)
	}))
	l, err := net.Listen("tcp", kubetest.Address(t)+":0")
	if err != nil {
		t.Fatal(err)
	}
	node.Listener = l
	node.StartTLS()
	defer node.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	k.Must(t, "apiVersion: v1\nkind: Node\nmetadata: {name: node}\n", "create", "-f", "-")
	k.Must(t, "", "patch", "node", "node", "--subresource=status", "--type=merge", "-p",
		fmt.Sprintf(`{"status":{"addresses":[{"type":"InternalIP","address":%q}],"daemonEndpoints":{"kubeletEndpoint":{"Port":%s}}}}`, host, port))
	k.create(t, "open", "running", "  nodeName: node\n")
	k.create(t, "plain", "running", "  nodeName: node\n")
	for namespace, want := range map[string]string{
		"open":  "/exec/open/running/app /lanner/trace|--env|LANNER_K8S_USER=alice@example.com|--on-failure=run|--output=/proc/1/fd/2|--|id|-u",
		"plain": "/exec/plain/running/app id|-u",
	} {
		mu.Lock()
		asked = nil
		mu.Unlock()
		_, _ = k.Kubectl("", "exec", "running", "-n", namespace, "--as=alice@example.com", "--as-group=system:masters", "--", "id", "-u") // the node refuses
		mu.Lock()
		if len(asked) == 0 || asked[0] != want {
			t.Errorf("the node was asked for %q, not %q", asked, want)
		}
		mu.Unlock()
	}
}

// files: what inject k8s writes is valid for the API server.
func (k *kube) files(t *testing.T) {
	in := `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: own}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: one, image: one, command: [/one]}
      - {name: proxy, image: proxy, command: [/proxy], restartPolicy: Always}
      containers:
      - {name: web, image: web, command: [/web], resources: {limits: {cpu: "1", memory: 1Gi}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: own}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: job, image: job, command: [/job]}]
`
	for _, options := range [][]string{{}, {"--init", "--sidecars", "--sys-ptrace=always"}, {"--image-volume", "--trace-dir=/opt/lanner"}} {
		cmd := exec.Command(k.inject, append([]string{"k8s", "-q", "--offline"}, options...)...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.Output()
		if err != nil || strings.Count(string(out), "/trace, --") < 2 {
			t.Fatalf("%q: %v\n%s", options, err, out)
		}
		k.Must(t, string(out), "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	}
}

func (k *kube) metrics(t *testing.T) {
	_, text := k.get("/metrics")
	for _, want := range []string{
		`lanner_inject_reviews_total{outcome="patched",resource="pods"}`, `lanner_inject_reviews_total{outcome="patched",resource="pods/exec"}`,
		`lanner_inject_reviews_total{outcome="patched",resource="pods/ephemeralcontainers"}`, "lanner_inject_certificate_expiry_seconds", "lanner_inject_review_seconds_bucket",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
}

// policy: the policy does the same for containers with a command.
func (k *kube) policy(t *testing.T) {
	out, err := exec.Command(k.inject, "policy", "--trace", "-e execve,connect", "--exclude", "left").Output()
	if err != nil {
		t.Fatal(err)
	}
	// Expressions that fail are to be seen here, not ignored.
	k.Must(t, strings.Replace(string(out), "failurePolicy: Ignore", "failurePolicy: Fail", 1), "apply", "-f", "-")
	n := 0
	var p *core.Pod
	until(t, "the policy is in force", func() bool {
		n++
		p = k.create(t, "open", fmt.Sprintf("policy-%d", n), "    resources: {limits: {memory: 1Gi}}\n  - {name: left, image: x, command: [/left]}\n  - {name: own, image: x}\n  initContainers:\n  - {name: before, image: x, command: [/before]}\n")
		return wrapped(p, "app")
	})
	if c := command(p, "app"); c != "/lanner/trace -e execve,connect -- /app" {
		t.Errorf("app starts %q", c)
	}
	if command(p, "left") != "/left" || command(p, "own") != "" || command(p, "before") != "/before" {
		t.Errorf("others start %q, %q, %q", command(p, "left"), command(p, "own"), command(p, "before"))
	}
	first := p.Spec.InitContainers[0]
	if first.Name != "lanner-install" || first.Resources.Limits.Cpu().String() != "100m" || p.Annotations[status] == "" {
		t.Errorf("the first init container is %+v, status %q", first, p.Annotations[status])
	}
	var s struct{ Wrapped []string }
	if json.Unmarshal([]byte(p.Annotations[status]), &s) != nil || len(s.Wrapped) != 1 {
		t.Errorf("the status is %q", p.Annotations[status])
	}
	strict := k.create(t, "strict", "policy", strictly)
	if user := strict.Spec.InitContainers[0].SecurityContext.RunAsUser; !wrapped(strict, "app") || user == nil || *user != 1234 {
		t.Errorf("app starts %q, and the init container's user is %v", command(strict, "app"), user)
	}
	image := k.create(t, "strict", "policy-user-of-the-image", strings.Replace(strictly, "runAsUser: 1234, ", "", 1))
	if user := image.Spec.InitContainers[0].SecurityContext.RunAsUser; !wrapped(image, "app") || user == nil || *user != 65532 {
		t.Errorf("app starts %q, and the init container's user is %v", command(image, "app"), user)
	}
	k.Must(t, "", "apply", "--dry-run=server", "-k", "../manifests/policy")
	for _, c := range []struct {
		namespace, name, metadata string
		want                      bool
	}{
		{"plain", "policy-not-asked", "", false},
		{"plain", "policy-asked", "  labels: {lanner.dev/inject: enabled}\n  annotations: {lanner.dev/include: \"x, app\"}\n", true},
		{"open", "policy-refused", "  labels: {lanner.dev/inject: disabled}\n", false},
		{"open", "policy-excluded", "  annotations: {lanner.dev/exclude: app}\n", false},
		{"lanner", "policy-ours", "  labels: {lanner.dev/inject: enabled}\n", false},
		{"open", "policy-clash", "", false}, // with a container of our name
	} {
		more := ""
		if c.name == "policy-clash" {
			more = "  initContainers:\n  - {name: lanner-install, image: x, command: [/own]}\n"
		}
		if c.namespace == "lanner" {
			more = strictly
		}
		if p := k.create(t, c.namespace, c.name, more, c.metadata); wrapped(p, "app") != c.want {
			t.Errorf("%s/%s starts %q", c.namespace, c.name, command(p, "app"))
		}
	}
}

// certificatePEM is the certificate of a test's server.
func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
