package images

import (
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// served is a registry on loopback.
func served(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// traceOptions are options of trace whose events can be told.
const traceOptions = "-e execve,procexit --format '%evt.type %proc.name' --prefix 'trace: '"

// TestInjectedImage: what inject image pushes, skopeo and podman pull and run; and
// without trace again it is what it was.
func TestInjectedImage(t *testing.T) {
	inject := injector(t)
	base(t)
	source := plain(t)
	host := served(t)
	must(t, "skopeo", "copy", "-q", "--dest-tls-verify=false", "containers-storage:"+source, "docker://"+host+"/plain:1")
	digest := func(tag string) string {
		t.Helper()
		return strings.TrimSpace(must(t, "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://"+host+"/"+tag))
	}
	opts := []string{inject, "image", "--trace-image", filepath.Join(work, "trace-test.tar"), "--trace", traceOptions}
	out := must(t, append(opts, host+"/plain:1", host+"/plain:traced")...)
	if want := host + "/plain:traced@" + digest("plain:traced") + "\n"; out != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	got := podman(t, "-q", "--tls-verify=false", "--user", "1234", "--read-only", "--cap-drop", "ALL", host+"/plain:traced")
	events, rest := lines(got.err)
	if got.code != 3 || got.out != "plain\n" || rest != "" || !slices.Equal(events, []string{"execve sh", "procexit sh"}) {
		t.Errorf("%+v", got)
	}
	for tag, code := range map[string]int{"plain:1": 1, "plain:traced": 0} {
		if got := run(t, append(opts, "--check", host+"/"+tag)...); got.code != code || got.out != "" {
			t.Errorf("--check of %s: %+v", tag, got)
		}
	}
	must(t, inject, "uninject", "image", host+"/plain:traced", host+"/plain:back")
	if digest("plain:back") != digest("plain:1") {
		t.Error("without trace it is another image than before")
	}
}

// TestInjectedPlatforms: an archive with two platforms, as buildah writes it, becomes an
// index in a registry; each platform has its own trace.
func TestInjectedPlatforms(t *testing.T) {
	inject := injector(t)
	base(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY bin /bin\nCMD [\"/bin/sh\", \"-c\", \"echo two && exit 4\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "cp", "-a", shell(t), dir)
	t.Setenv("OUT", dir)
	t.Setenv("PLATFORMS", "linux/amd64 linux/arm64")
	archive := strings.TrimSpace(must(t, "./build", "two:test", dir))
	host := served(t)
	opts := []string{inject, "image", "--trace-image", filepath.Join(work, "trace-test.tar"), "--trace", traceOptions}
	if out := must(t, append(opts, archive, host+"/two:1")...); strings.Count(out, "@sha256:") != 3 || !strings.Contains(out, " linux/arm64\n") {
		t.Errorf("printed %s", out)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		var image struct {
			Config struct{ Entrypoint, Cmd []string }
			RootFS struct {
				DiffIDs []string `json:"diff_ids"`
			}
		}
		text := must(t, "skopeo", "--override-arch", arch, "inspect", "--tls-verify=false", "--config", "docker://"+host+"/two:1")
		if err := json.Unmarshal([]byte(text), &image); err != nil || image.Config.Entrypoint[0] != "/lanner/trace" || len(image.RootFS.DiffIDs) != 2 {
			t.Errorf("%s: %v, %s", arch, err, text)
		}
	}
	if got := podman(t, "-q", "--tls-verify=false", host+"/two:1"); got.code != 4 || got.out != "two\n" || got.err != "trace: execve sh\ntrace: procexit sh\n" {
		t.Errorf("%+v", got)
	}
	// What docker save writes, podman loads again.
	saved := filepath.Join(dir, "saved.tar")
	must(t, "podman", "save", "-q", "-o", saved, plain(t))
	must(t, append(opts, saved, saved)...)
	must(t, "podman", "tag", plain(t), "localhost/kept:test")
	defer must(t, "podman", "tag", "localhost/kept:test", plain(t))
	must(t, "podman", "load", "-q", "-i", saved)
	if got := podman(t, plain(t)); got.code != 3 || got.out != "plain\n" || got.err != "trace: execve sh\ntrace: procexit sh\n" {
		t.Errorf("saved: %+v", got)
	}
}

// TestLookup: a pod whose containers name no command gets it from the registry.
func TestLookup(t *testing.T) {
	inject := injector(t)
	host := served(t)
	must(t, "skopeo", "copy", "-q", "--dest-tls-verify=false", "containers-storage:"+plain(t), "docker://"+host+"/plain:1")
	manifest := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(manifest, []byte("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: a\n    image: "+host+"/plain:1\n  - name: b\n    image: "+host+"/absent\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(t, inject, "k8s", manifest)
	if got.code != 0 || !strings.Contains(got.out, `{"*":{"entrypoint":["/bin/sh","-c"],"cmd":["echo plain; exit 3"]}}`) ||
		!strings.Contains(got.err, "b: skipped: registry "+host+" has no image "+host+"/absent:latest\n") {
		t.Errorf("%+v", got)
	}
}

// TestInjectorImage: inject in its image does what it does outside.
func TestInjectorImage(t *testing.T) {
	inject := injector(t)
	manifest := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(manifest, []byte(pod), 0o644); err != nil {
		t.Fatal(err)
	}
	build(t, "localhost/inject:test", func() {
		t.Setenv("OUT", work)
		t.Setenv("PLATFORMS", "linux/"+runtime.GOARCH)
		must(t, "./build", "inject:test", "injector")
	})
	want := must(t, inject, "k8s", "-q", "--offline", manifest)
	got := podman(t, "--read-only", "--cap-drop", "ALL", "-v", manifest+":/pod.yaml:ro", "localhost/inject:test", "k8s", "-q", "--offline", "/pod.yaml")
	if got.code != 0 || got.out != want || got.err != "" || !strings.Contains(want, "/lanner/trace") {
		t.Errorf("%+v\nwant %s", got, want)
	}
}
