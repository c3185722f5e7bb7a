package images

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/debian"
)

// debianBase is the base image on Debian, of packages from the mirror: a base like
// Debian's own image, which a registry would have.
func debianBase(t *testing.T) string {
	t.Helper()
	base(t)
	build(t, "localhost/trace:debian", func() {
		tree := debian.Tree{Name: "container", Suites: []string{"trixie"}, Packages: []string{"base-files", "base-passwd", "coreutils", "dash", "nginx-light"}}
		root, err := tree.Fetch()
		if err != nil {
			t.Fatal(err)
		}
		id := strings.TrimSpace(must(t, "buildah", "from", "scratch"))
		must(t, "buildah", "copy", "-q", id, root, "/")
		must(t, "buildah", "commit", "-q", "--rm", id, "localhost/debian:test")
		t.Setenv("OUT", work)
		t.Setenv("PLATFORMS", "linux/"+strings.TrimSpace(must(t, "go", "env", "GOARCH")))
		must(t, "./build", "trace:debian", "base", "--build-arg", "BASE=localhost/debian:test", "--pull-never")
	})
	return "localhost/trace:debian"
}

// example makes an example as its Dockerfile says.
func example(t *testing.T, name string) string {
	t.Helper()
	base := debianBase(t)
	image := "localhost/" + name + "-example:latest"
	build(t, image, func() {
		must(t, "buildah", "bud", "-q", "--isolation", "chroot", "--pull-never", "--build-arg", "BASE="+base, "-t", image, "examples/"+name)
	})
	return image
}

// TestShell: a script on the Debian variant.
func TestShell(t *testing.T) {
	got := podman(t, "-e", "HELLO_STATUS=9", "--user", "1234", example(t, "shell"))
	events, rest := lines(got.err)
	if got.code != 9 || got.out != "hello 1234\n" || rest != "" {
		t.Errorf("%+v", got)
	}
	all := strings.Join(events, "\n")
	for _, part := range []string{"execve res=0 exe=/bin/sh", "name=/usr/local/bin/hello.sh", "execve res=0 exe=id args=-u.", "procexit"} {
		if !strings.Contains(all, part) {
			t.Errorf("no %q in\n%s", part, all)
		}
	}
}

// TestNginx: a server of several processes, its requests served and its files told, and
// it ends in its own way.
func TestNginx(t *testing.T) {
	need(t, "nsenter", "curl")
	image := example(t, "nginx")
	id := strings.TrimSpace(must(t, "podman", "run", "-d", "--network", "none", "--log-driver", "k8s-file",
		"--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", image))
	defer must(t, "podman", "rm", "-f", "-t", "0", id)
	pid := strings.TrimSpace(must(t, "podman", "inspect", "-f", "{{.State.Pid}}", id))
	var got result
	for deadline := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		if got = run(t, "nsenter", "-t", pid, "-n", "curl", "-sS", "http://127.0.0.1:8080/"); got.code == 0 || time.Now().After(deadline) {
			break
		}
	}
	page, err := os.ReadFile("examples/nginx/index.html")
	if err != nil || got.out != string(page) {
		t.Errorf("%+v, %v\n%+v", got, err, run(t, "podman", "logs", id))
	}
	must(t, "podman", "stop", "-t", "60", id)
	if code := strings.TrimSpace(must(t, "podman", "wait", id)); code != "0" {
		t.Errorf("exit status %s", code)
	}
	log := run(t, "podman", "logs", id)
	events, rest := lines(log.err)
	all := strings.Join(events, "\n")
	for _, part := range []string{`"evt.type":"accept4"`, `"name":"/srv/index.html"`, `"evt.type":"procexit"`} {
		if !strings.Contains(all, part) {
			t.Errorf("no %s in\n%s\n%s", part, all, rest)
		}
	}
}
