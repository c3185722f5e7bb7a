package images

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gvisor is the version that the test builds.
const gvisor = "v0.0.0-20260905035102-160fafc42237"

// runsc builds gVisor's runtime, once, in the user's cache directory: it takes minutes.
func runsc(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "lanner", "runsc-"+gvisor)
	program := filepath.Join(dir, "runsc")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mod := fmt.Sprintf("module runsc\n\ngo 1.26.0\n\nrequire gvisor.dev/gvisor %s\n", gvisor)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("sh", "-c", "nice -n 19 go build -mod=mod -o runsc.new gvisor.dev/gvisor/runsc && mv runsc.new runsc")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestGVisor: the base image in a sandbox whose kernel is gVisor's.
func TestGVisor(t *testing.T) {
	if os.Getenv("LANNER_TEST_GVISOR") != "1" {
		t.Skip("builds gVisor: make test-gvisor")
	}
	image := app(t)
	program := runsc(t)
	bundle := t.TempDir()
	root := filepath.Join(bundle, "rootfs")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(must(t, "podman", "create", "--network", "none", image))
	defer must(t, "podman", "rm", id)
	must(t, "sh", "-c", `podman export "$0" | tar -xC "$1"`, id, root)
	must(t, program, "spec", "-bundle", bundle, "--", "/trace", "-e", "execve,openat,procexit", "--format", "%evt.type %proc.name %evt.arg.name", "--prefix", "trace: ",
		"--", "/bin/sh", "-c", "cat /proc/version; echo said >&2; exit 7")
	defer run(t, "umount", filepath.Join(bundle, "state", "null-netns"))
	got := run(t, program, "--ignore-cgroups", "--network=none", "--platform=systrap", "--root", filepath.Join(bundle, "state"), "run", "-bundle", bundle, "lanner-test")
	events, rest := lines(got.err)
	if got.code != 7 || !strings.HasPrefix(got.out, "Linux version ") || rest != "said\n" {
		t.Errorf("%+v", got)
	}
	// What execve started has its name from before there, so that is not asked for.
	if !slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, "execve ") }) {
		t.Errorf("no execve in %q", events)
	}
	for _, part := range []string{"procexit sh <NA>", "openat cat /proc/version"} {
		if !slices.Contains(events, part) {
			t.Errorf("no %q in %q", part, events)
		}
	}
}
