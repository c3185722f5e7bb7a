package images

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
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

// TestPodStop: podman stop reaches the applications of an injected pod, and each has its
// grace time to end in its own way.
func TestPodStop(t *testing.T) {
	play(t, `apiVersion: v1
kind: Pod
metadata:
  name: stopped
spec:
  restartPolicy: Never
  containers:
  - name: handled
    image: localhost/plain:test
    command: [sh, -c, "trap 'sleep 1; echo tidied; exit 5' TERM; echo ready; while :; do sleep 1000 & wait $!; done"]
    securityContext: {runAsUser: 1234, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  - name: not-handled
    image: localhost/plain:test
    command: [sh, -c, "echo ready; exec sleep 1000"]
`, "-e execve")
	for name, code := range map[string]string{"stopped-handled": "5", "stopped-not-handled": "143"} {
		logged(t, name, "ready")
		must(t, "podman", "stop", "-t", "60", name)
		if got := strings.TrimSpace(must(t, "podman", "wait", name)); got != code {
			t.Errorf("%s: exit status %s, want %s", name, got, code)
		}
	}
	logged(t, "stopped-handled", "tidied")
}

// TestPodNoPtrace: under a profile that refuses ptrace an injected container does not
// start, or runs untraced where that is asked for.
func TestPodNoPtrace(t *testing.T) {
	profile := withoutPtrace(t)
	for options, want := range map[string]struct{ code, out, err string }{
		"":                 {"125", "", "trace: cannot trace /bin/sh: "},
		"--on-failure run": {"3", "untraced\n", "; running sh untraced\n"},
	} {
		play(t, `apiVersion: v1
kind: Pod
metadata:
  name: refused
  annotations:
    container.seccomp.security.alpha.kubernetes.io/app: localhost/`+filepath.Base(profile)+`
spec:
  restartPolicy: Never
  containers:
  - {name: app, image: localhost/plain:test, command: [sh, -c, "echo untraced; exit 3"]}
`, options, "--seccomp-profile-root", filepath.Dir(profile))
		code := strings.TrimSpace(must(t, "podman", "wait", "refused-app"))
		log := run(t, "podman", "logs", "refused-app")
		if code != want.code || log.out != want.out || !strings.Contains(log.err, want.err) || strings.Count(log.err, "\n") != 1 {
			t.Errorf("%q: exit status %s, %+v", options, code, log)
		}
	}
}

// play runs a pod with trace in it until the test ends, or until one of its name is
// played.
func play(t *testing.T, pod, options string, how ...string) {
	t.Helper()
	inject := injector(t)
	image := base(t)
	plain(t)
	manifest := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(manifest, []byte(pod), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, inject, "k8s", "-i", "-q", "--offline", "--trace-image", image, "--trace", options, manifest)
	t.Cleanup(func() { run(t, "podman", "kube", "play", "--down", manifest) })
	must(t, append(append([]string{"podman", "kube", "play", "--replace", "--network", "none", "--log-driver", "k8s-file"}, how...), manifest)...)
}

// plainPod is one that is timed; its container says when it started.
const plainPod = `apiVersion: v1
kind: Pod
metadata:
  name: timed
spec:
  restartPolicy: Never
  containers:
  - {name: app, image: localhost/plain:test, command: [cat, /proc/uptime]}
`

// idlePod is the same with an init container that does nothing: what podman takes for any.
var idlePod = plainPod + "  initContainers:\n  - {name: idle, image: localhost/plain:test, command: [/bin/true]}\n"

// TestPodStart prints how long it takes until the container of a pod has started.
func TestPodStart(t *testing.T) {
	inject := injector(t)
	image := base(t)
	plain(t)
	if !testing.Verbose() {
		t.Skip("prints times: -v")
	}
	dir := t.TempDir()
	pods := map[string]string{"native": plainPod, "idle": idlePod, "injected": plainPod}
	for name, text := range pods {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		pods[name] = file
	}
	must(t, inject, "k8s", "-i", "-q", "--offline", "--trace-image", image, "--trace", "-e execve", pods["injected"])
	const runs = 5
	took := map[string][]time.Duration{}
	for range runs {
		for name, file := range pods {
			start := uptime(t, must(t, "cat", "/proc/uptime"))
			must(t, "podman", "kube", "play", "--network", "none", "--log-driver", "k8s-file", file)
			must(t, "podman", "wait", "timed-app")
			took[name] = append(took[name], uptime(t, must(t, "podman", "logs", "timed-app"))-start)
			must(t, "podman", "kube", "play", "--down", file)
		}
	}
	for name, all := range took {
		slices.Sort(all)
		t.Logf("%s: median %v, of %v", name, all[runs/2], all)
	}
}

// uptime reads the first number of /proc/uptime.
func uptime(t *testing.T, text string) time.Duration {
	t.Helper()
	seconds, _, _ := strings.Cut(text, " ")
	d, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	return d
}
