package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/k8s"
)

// A table is a Cluster that knows what it is given.
type table struct {
	namespaces map[string]map[string]string // labels, by name
	pods       map[string]*core.Pod
}

func (c table) Namespace(name string) (*core.Namespace, error) {
	labels, ok := c.namespaces[name]
	if !ok {
		return nil, errors.New("unknown")
	}
	return &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name, Labels: labels}}, nil
}

func (c table) Pod(_ context.Context, namespace, name string) (*core.Pod, error) {
	if p := c.pods[namespace+"/"+name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("there is no pod %s", name)
}

func newHandler() *Handler {
	return &Handler{
		Options: k8s.Options{Options: inject.Options{Dir: inject.DefaultDir, TraceImage: inject.DefaultImage, Escape: k8s.Escape}, Ptrace: k8s.PtraceAuto, Status: true, Version: "v1"},
		Own:     "lanner", Exec: true, ExecTrace: DefaultExecTrace, Metrics: NewMetrics("v1"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Cluster: table{namespaces: map[string]map[string]string{"open": {k8s.LevelLabel: "privileged"}, "closed": {k8s.LevelLabel: "baseline"}, "silent": {}}},
	}
}

// post sends a body, and returns the answer's status and review.
func post(h http.Handler, body []byte) (int, *admission.AdmissionReview) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, MutatePath+"?timeout=10s", bytes.NewReader(body)))
	var review admission.AdmissionReview
	if json.Unmarshal(w.Body.Bytes(), &review) != nil {
		return w.Code, nil
	}
	return w.Code, &review
}

func request(resource, sub string, op admission.Operation, namespace, object string) *admission.AdmissionRequest {
	return &admission.AdmissionRequest{
		UID: "u", Resource: meta.GroupVersionResource{Version: "v1", Resource: resource}, SubResource: sub,
		Operation: op, Namespace: namespace, Name: "p", Object: runtime.RawExtension{Raw: []byte(object)},
	}
}

// ask sends a request, and returns its object with the patch of the answer applied.
func ask(t *testing.T, h http.Handler, r *admission.AdmissionRequest) (string, *admission.AdmissionResponse) {
	t.Helper()
	body, err := json.Marshal(admission.AdmissionReview{Request: r})
	if err != nil {
		t.Fatal(err)
	}
	code, review := post(h, body)
	if code != http.StatusOK || review == nil || review.Response == nil || review.Response.UID != "u" || !review.Response.Allowed {
		t.Fatalf("status %d, %+v", code, review)
	}
	if review.Response.Patch == nil {
		return string(r.Object.Raw), review.Response
	}
	patch, err := jsonpatch.DecodePatch(review.Response.Patch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := patch.Apply(r.Object.Raw)
	if err != nil {
		t.Fatalf("%s: %v", review.Response.Patch, err)
	}
	return string(out), review.Response
}

const simple = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"app","image":"app","command":["/app"],"newField":{"x":1.50}}]}}`

// TestReview: which requests change what.
func TestReview(t *testing.T) {
	h := newHandler()
	out, _ := ask(t, h, request("pods", "", admission.Create, "open", simple))
	for _, want := range []string{`"command":["/lanner/trace","--","/app"]`, `"newField":{"x":1.50}`, `"SYS_PTRACE"`, `"name":"lanner-install"`, `lanner.dev/status`} {
		if !strings.Contains(out, want) {
			t.Errorf("without %s:\n%s", want, out)
		}
	}
	if _, again := ask(t, h, request("pods", "", admission.Create, "open", out)); again.Patch != nil {
		t.Errorf("twice is not as once: %s", again.Patch)
	}
	for _, namespace := range []string{"closed", "silent", "unknown"} {
		if out, _ := ask(t, h, request("pods", "", admission.Create, namespace, simple)); strings.Contains(out, "SYS_PTRACE") || !strings.Contains(out, "/lanner/trace") {
			t.Errorf("in %s:\n%s", namespace, out)
		}
	}
	for _, r := range []*admission.AdmissionRequest{
		request("pods", "", admission.Create, "kube-system", simple),
		request("pods", "", admission.Create, "lanner", simple),
		request("pods", "", admission.Update, "open", simple),
		request("pods", "status", admission.Update, "open", simple),
		request("deployments", "", admission.Create, "open", simple),
	} {
		if _, answer := ask(t, h, r); answer.Patch != nil {
			t.Errorf("%s %s in %s is patched", r.Operation, r.Resource.Resource, r.Namespace)
		}
	}
	for _, object := range []string{`null`, `[]`, `7`, ``} {
		r := request("pods", "", admission.Create, "open", object)
		if object == "" {
			r.Object.Raw = nil
		}
		if _, answer := ask(t, h, r); answer.Patch != nil || len(answer.Warnings) != 1 {
			t.Errorf("%s: %+v", object, answer)
		}
	}
}

// TestMalformed: what is no review is refused.
func TestMalformed(t *testing.T) {
	h := newHandler()
	for _, body := range []string{"", "{", "{}", `{"request": 7}`, strings.Repeat(" ", maxReview+1)} {
		if code, _ := post(h, []byte(body)); code/100 != 4 {
			t.Errorf("%.20q: status %d", body, code)
		}
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, MutatePath, nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", w.Code)
	}
}

// TestExec: where the command of kubectl exec is wrapped.
func TestExec(t *testing.T) {
	h := newHandler()
	mount := []core.VolumeMount{{Name: k8s.Volume, MountPath: "/opt/l"}}
	pod := func(set func(*core.Pod)) *core.Pod {
		p := &core.Pod{Spec: core.PodSpec{Containers: []core.Container{{Name: "app", VolumeMounts: mount}}}}
		set(p)
		return p
	}
	yes := true
	h.Cluster = table{pods: map[string]*core.Pod{
		"open/p":    pod(func(*core.Pod) {}),
		"none/p":    pod(func(p *core.Pod) { p.Spec.Containers[0].VolumeMounts = nil }),
		"two/p":     pod(func(p *core.Pod) { p.Spec.Containers = append(p.Spec.Containers, core.Container{Name: "other"}) }),
		"shared/p":  pod(func(p *core.Pod) { p.Spec.ShareProcessNamespace = &yes }),
		"capture/p": pod(func(p *core.Pod) { p.Spec.Containers[0].Env = []core.EnvVar{{Name: capture, Value: "/x"}} }),
		"stream/p":  pod(func(p *core.Pod) { p.Spec.Containers[0].Env = []core.EnvVar{{Name: capture, Value: "unix:/events/s"}} }),
		"secret/p": pod(func(p *core.Pod) {
			p.Spec.Containers[0].Env = []core.EnvVar{{Name: capture, ValueFrom: &core.EnvVarSource{}}}
		}),
	}}
	for _, c := range []struct{ namespace, options, want string }{
		{"open", `{"command":["id"]}`, `{"command":["/opt/l/trace","--env","LANNER_K8S_USER=al?ice","--on-failure=run","--output=/proc/1/fd/2","--","id"]}`},
		{"open", `{"command":["id"],"container":"app","tty":true}`, `"--","id"]`},
		{"open", `{"command":["id"],"container":"none"}`, ``},
		{"open", `{"command":[]}`, ``},
		{"open", `{"command":["/opt/l/trace","--","id"]}`, ``},
		{"none", `{"command":["id"]}`, ``},
		{"two", `{"command":["id"]}`, ``},
		{"two", `{"command":["id"],"container":"other"}`, ``},
		{"shared", `{"command":["id"]}`, ``},
		{"capture", `{"command":["id"]}`, ``},
		{"stream", `{"command":["id"]}`, `"--","id"]`},
		{"secret", `{"command":["id"]}`, ``},
		{"missing", `{"command":["id"]}`, ``},
	} {
		r := request("pods", "exec", admission.Connect, c.namespace, c.options)
		r.UserInfo.Username = "al\nice"
		out, answer := ask(t, h, r)
		if c.want == "" && answer.Patch != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s, %s becomes %s, want %s", c.namespace, c.options, out, c.want)
		}
	}
	h.Exec = false
	if _, answer := ask(t, h, request("pods", "exec", admission.Connect, "open", `{"command":["id"]}`)); answer.Patch != nil {
		t.Error("a command was wrapped though that was not asked for")
	}
}

// TestEphemeral: only new ones, and only where trace is.
func TestEphemeral(t *testing.T) {
	h := newHandler()
	injected, _ := ask(t, h, request("pods", "", admission.Create, "open", simple))
	with := func(pod, containers string) string {
		return strings.Replace(pod, `"spec":{`, `"spec":{"ephemeralContainers":[`+containers+`],`, 1)
	}
	const old, new = `{"name":"old","command":["/old"]}`, `{"name":"new","command":["/new"]}`
	r := request("pods", "ephemeralcontainers", admission.Update, "open", with(injected, old+","+new))
	r.OldObject.Raw = []byte(with(injected, old))
	out, answer := ask(t, h, r)
	if !strings.Contains(out, `["/lanner/trace","--","/new"]`) || strings.Contains(out, `"--","/old"`) || strings.Contains(string(answer.Patch), "containers/0/command\"") && strings.Contains(string(answer.Patch), "/spec/containers") {
		t.Errorf("%s", answer.Patch)
	}
	r = request("pods", "ephemeralcontainers", admission.Update, "open", with(simple, new))
	r.OldObject.Raw = []byte(simple)
	if _, answer := ask(t, h, r); answer.Patch != nil {
		t.Errorf("a pod without trace: %s", answer.Patch)
	}
}

// TestSlowLookup: a lookup that takes too long costs the container its wrapping, not
// the pod its admission.
func TestSlowLookup(t *testing.T) {
	h := newHandler()
	h.Options.Entrypoints = never{}
	body, _ := json.Marshal(admission.AdmissionReview{Request: request("pods", "", admission.Create, "open", strings.Replace(simple, `"command":["/app"],`, "", 1))})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, MutatePath+"?timeout=100ms", bytes.NewReader(body)))
	var review admission.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &review); err != nil || !review.Response.Allowed || !strings.Contains(string(review.Response.Patch), "deadline") {
		t.Errorf("%v, %s", err, w.Body)
	}
}

type never struct{}

func (never) Entrypoints(ctx context.Context, img inject.Image) (inject.Commands, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("image %s: %w", img.Name, ctx.Err())
}

// TestLatency prints how long answers take.
func TestLatency(t *testing.T) {
	h := newHandler()
	body, _ := json.Marshal(admission.AdmissionReview{Request: request("pods", "", admission.Create, "open", simple)})
	var took []time.Duration
	for range 500 {
		start := time.Now()
		if code, _ := post(h, body); code != http.StatusOK {
			t.Fatal(code)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("median %v, p99 %v", took[len(took)/2], took[len(took)*99/100])
}

// FuzzReview: nothing posted makes the handler panic, and every review is admitted.
func FuzzReview(f *testing.F) {
	for _, r := range []*admission.AdmissionRequest{
		request("pods", "", admission.Create, "open", simple),
		request("pods", "exec", admission.Connect, "open", `{"command":["id"]}`),
		request("pods", "ephemeralcontainers", admission.Update, "open", simple),
	} {
		r.OldObject.Raw = []byte(simple)
		body, _ := json.Marshal(admission.AdmissionReview{Request: r})
		f.Add(body)
	}
	h := newHandler()
	h.Cluster = table{pods: map[string]*core.Pod{"open/p": {Spec: core.PodSpec{Containers: []core.Container{{Name: "a", VolumeMounts: []core.VolumeMount{{Name: k8s.Volume, MountPath: "/x"}}}}}}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, review := post(h, body)
		if code == http.StatusOK && (review == nil || review.Response == nil || !review.Response.Allowed) {
			t.Errorf("%q is answered with %+v", body, review)
		}
	})
}
