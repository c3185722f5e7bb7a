package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestContainerID: in a cgroup namespace of its own a container does not see its id; the
// events have it all the same.
func TestContainerID(t *testing.T) {
	image := app(t)
	file := filepath.Join(t.TempDir(), "id")
	got := podman(t, "--cgroupns", "private", "--cidfile", file, "-e", "LANNER_FORMAT=%evt.info", "-e", "LANNER_EVENTS=execve", image, "sh", "-c", ":")
	id, err := os.ReadFile(file)
	if err != nil || len(id) != 64 {
		t.Fatalf("id %q, %v", id, err)
	}
	if want := "cpuset=/" + string(id); got.code != 0 || !strings.Contains(got.err, want) {
		t.Errorf("no %q in %+v", want, got)
	}
}
