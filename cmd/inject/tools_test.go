package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/kubetest"
)

// write makes files of a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKubeKustomize: kustomize runs inject as a KRM function, configured by its object.
func TestKubeKustomize(t *testing.T) {
	kustomize := kubetest.Tool(t, "kustomize", "sigs.k8s.io/kustomize/kustomize/v5@v5.5.0")
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"kustomization.yaml": "resources: [pod.yaml]\ntransformers: [inject.yaml]\nnamePrefix: pre-\n",
		"pod.yaml":           pod,
		"inject.yaml": `apiVersion: lanner.dev/v1
kind: Inject
metadata:
  name: inject
  annotations:
    config.kubernetes.io/function: |
      exec: {path: ./inject}
spec:
  trace: -e execve,connect
  exclude: [other]
`,
	})
	if err := os.Symlink(injectBin, filepath.Join(dir, "inject")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(kustomize, "build", "--enable-alpha-plugins", "--enable-exec", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "- /lanner/trace\n    - -e\n    - execve,connect\n    - --\n    - /app\n") || !strings.Contains(text, "name: pre-p") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestKubeHelm: helm runs inject as its post-renderer.
func TestKubeHelm(t *testing.T) {
	helm := kubetest.Tool(t, "helm", "helm.sh/helm/v3/cmd/helm@v3.18.6")
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"Chart.yaml":             "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"templates/pod.yaml":     "# of {{ .Release.Name }}\n" + pod,
		"templates/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n",
	})
	out, err := exec.Command(helm, "template", "rel", dir, "--post-renderer", injectBin, "--post-renderer-args", "k8s", "--post-renderer-args", "--offline").CombinedOutput()
	for _, want := range []string{"command: [/lanner/trace, --, /app] # ours", "# of rel\n", "kind: Service", "# Source: app/templates/pod.yaml"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("without %q: %v\n%s", want, err, out)
		}
	}
}
