package k8s

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/internal/kubetest"
)

// decode reads an object as the API server does: unknown, doubled and mistyped fields are
// errors.
func decode(text string) (runtime.Object, error) {
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})
	o, _, err := strict.Decode([]byte(text), nil, nil)
	return o, err
}

// rewritten returns a file of testdata and what becomes of it.
func rewritten(t *testing.T, name string, set func(*Options)) (in, out []byte) {
	t.Helper()
	in, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	set(&o)
	if out, _, err = Rewrite(context.Background(), in, o, false); err != nil {
		t.Fatal(err)
	}
	return in, out
}

// TestStrict: where the API server would take an object, it takes it injected.
func TestStrict(t *testing.T) {
	checked := 0
	for name, set := range goldens {
		in, out := rewritten(t, name, set)
		after := objects(t, out)
		for i, object := range objects(t, in) {
			if _, err := decode(object); err != nil {
				continue // some are odd on purpose, some are of other APIs
			}
			checked++
			if _, err := decode(after[i]); err != nil {
				t.Errorf("%s: %v\n%s", name, err, after[i])
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d objects were checked", checked)
	}
	if _, err := decode("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, comand: [x]}]}\n"); err == nil {
		t.Error("a misspelled field is not seen")
	}
}

// objects are those of a stream, as JSON, lists taken apart.
func objects(t *testing.T, stream []byte) (list []string) {
	t.Helper()
	docs, err := document.Parse(stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if isList(d.Root) {
			for _, item := range document.Items(document.Get(d.Root, "items")) {
				list = append(list, string(document.JSON(item)))
			}
		} else if d.Root != nil {
			list = append(list, string(document.JSON(d.Root)))
		}
	}
	return list
}

// The ways in which a pod can say what level restricted wants.
var restricted = map[string]string{
	"the pod says all but what only containers can": `
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - {name: a, image: app, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}`,
	"the containers say all": `
  initContainers:
  - {name: i, image: app, command: [/i], securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}
  - {name: s, image: app, command: [/s], restartPolicy: Always, securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}
  containers:
  - {name: a, image: app, securityContext: {runAsNonRoot: true, runAsUser: 7, runAsGroup: 8, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: Localhost, localhostProfile: p.json}}}
  - {name: b, image: app, command: [/b], securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}`,
	"the user is the image's": `
  securityContext: {runAsNonRoot: true, seccompProfile: {type: Localhost, localhostProfile: p.json}}
  containers:
  - {name: a, image: app, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}`,
}

// TestRestricted: a pod that PodSecurity's level restricted admits is admitted injected,
// as its own evaluator says.
func TestRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		o, err := decode(text)
		if err != nil {
			return err
		}
		p := o.(*core.Pod)
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		if r := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &p.ObjectMeta, &p.Spec)); !r.Allowed {
			return fmt.Errorf("%s", r.ForbiddenDetail())
		}
		return nil
	}
	for name, spec := range restricted {
		t.Run(name, func(t *testing.T) {
			pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:" + spec + "\n"
			if err := check(pod); err != nil {
				t.Fatalf("before: %v", err)
			}
			for options, set := range map[string]func(*Options){
				"defaults": func(*Options) {}, "auto": func(o *Options) { o.Ptrace = PtraceAuto },
				"all containers": func(o *Options) { o.InitContainers, o.Sidecars = true, true },
				"image volume":   func(o *Options) { o.ImageVolume = true },
				"SYS_PTRACE":     func(o *Options) { o.Ptrace = PtraceAlways },
			} {
				o := defaults()
				set(&o)
				out, results, err := Rewrite(context.Background(), []byte(pod), o, false)
				if err != nil || !strings.Contains(string(out), "/lanner/trace") {
					t.Fatalf("%s: %v, %v", options, err, results)
				}
				if err := check(string(out)); (err == nil) == (options == "SYS_PTRACE") {
					t.Errorf("%s: %v\n%s", options, err, out)
				}
			}
		})
	}
}

// TestKubeValid: Kubernetes' own validation finds nothing in pods that come out but what
// it finds in those that went in.
func TestKubeValid(t *testing.T) {
	var before, after bytes.Buffer
	for name, set := range goldens {
		in, out := rewritten(t, name, set)
		injected := objects(t, out)
		for i, object := range objects(t, in) {
			if _, err := decode(object); err == nil { // some are odd on purpose
				before.Write(podOf(t, object))
				after.Write(podOf(t, injected[i]))
			}
		}
	}
	want := kubetest.Validate(t, before.Bytes())
	if said := kubetest.Validate(t, after.Bytes()); said != want || before.Len() == after.Len() {
		t.Errorf("before:\n%safter:\n%s%s", want, said, after.Bytes())
	}
	bad := strings.Replace(after.String(), `"mountPath":"/lanner"`, `"mountPath":""`, 1)
	if said := kubetest.Validate(t, []byte(bad)); !strings.Contains(said, "mountPath: Required value") {
		t.Errorf("without a path to mount at it says\n%s", said)
	}
}

// podOf is the pod in an object, as JSON; nothing if there is none.
func podOf(t *testing.T, object string) []byte {
	t.Helper()
	root, err := document.ReadJSON([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	pod, ok := holder(root)
	if !ok {
		return nil
	}
	meta := document.EditMap(pod, "metadata")
	for key, value := range map[string]string{"apiVersion": "v1", "kind": "Pod"} {
		document.Set(pod, key, document.String(value))
	}
	for key, value := range map[string]string{"name": "p", "namespace": "n"} {
		document.Set(meta, key, document.String(value))
	}
	return document.JSON(pod)
}
