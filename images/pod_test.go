package images

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// injector makes the program inject, and returns its path.
func injector(t *testing.T) string {
	t.Helper()
	needPodman(t)
	program := "images/injector/bin/" + runtime.GOARCH + "/inject"
	must(t, "make", "-s", "-C", "..", program)
	return "../" + program
}

// pod is what PodSecurity's level restricted allows, but for its sloppy container.
const pod = `apiVersion: v1
kind: Pod
metadata:
  name: injected
  annotations:
    example.com/owner: us
spec:
  restartPolicy: Never
  securityContext: {runAsNonRoot: true, runAsUser: 1234, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: own
    image: localhost/plain:test
    command: [sh, -c, "echo own; id -u; exit 4"]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  - name: entrypoint
    image: localhost/plain:test
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  - name: args
    image: localhost/plain:test
    args: ["echo args $0; exit 5"]
  - name: sloppy
    image: localhost/plain:test
    command: [sh]
    args: [-c, "echo sloppy; exit 6"]
    securityContext: {runAsUser: 0, runAsNonRoot: false}
`

// TestPod: an injected pod, run for real: trace comes by an init container, and each
// container starts what it would have started, under trace.
func TestPod(t *testing.T) {
	inject := injector(t)
	image := base(t)
	plain(t)
	dir := t.TempDir()
	manifest, images := filepath.Join(dir, "pod.yaml"), filepath.Join(dir, "images.yaml")
	for name, text := range map[string]string{
		manifest: pod,
		images:   "localhost/plain:test: {entrypoint: [/bin/sh, -c], cmd: ['echo plain; exit 3']}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(t, inject, "k8s", "--in-place", "--trace-image", image, "--entrypoints", images,
		"--trace", "--prefix 'trace: ' -e execve,procexit --format '%evt.type %proc.name'", manifest)
	// Podman before 5 takes no annotation of more than 63 bytes (Kubernetes takes 256 KiB).
	must(t, "sed", "-i", "/^ *lanner.dev.status:/d", manifest)
	defer run(t, "podman", "kube", "play", "--down", manifest)
	must(t, "podman", "kube", "play", "--network", "none", "--log-driver", "k8s-file", manifest)
	for name, want := range map[string]struct {
		code, out string
		events    []string
	}{
		"own":        {"4", "own\n1234\n", []string{"execve sh", "procexit id", "procexit sh"}},
		"entrypoint": {"3", "plain\n", []string{"execve sh", "procexit sh"}},
		"args":       {"5", "args /bin/sh\n", []string{"execve sh", "procexit sh"}},
		"sloppy":     {"6", "sloppy\n", []string{"execve sh", "procexit sh"}},
	} {
		code := strings.TrimSpace(must(t, "podman", "wait", "injected-"+name))
		log := run(t, "podman", "logs", "injected-"+name)
		events, rest := lines(log.err)
		if code != want.code || log.out != want.out || !slices.Equal(events, want.events) || rest != "" {
			t.Errorf("%s: exit status %s, %q, events %q, %q", name, code, log.out, events, rest)
		}
	}
}
