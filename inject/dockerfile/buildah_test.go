package dockerfile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildah: an injected Dockerfile is built, and its image starts what it started
// before, under trace.
func TestBuildah(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for _, p := range []string{"buildah", "podman", "runc", "busybox"} {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("LANNER_TEST_ALL") == "1" {
				t.Fatalf("%s is not installed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// No daemon, no overlayfs, no cgroup manager: what every machine has.
	write("storage.conf", fmt.Sprintf("[storage]\ndriver=\"vfs\"\nrunroot=%q\ngraphroot=%q\n", dir+"/run", dir+"/graph"))
	write("containers.conf", "[containers]\ndefault_ulimits=[\"nofile=20000:20000\",\"nproc=4096:4096\"]\n[engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\nruntime=\"runc\"\n")
	write("registries.conf", "unqualified-search-registries=[]\n")
	env := append(os.Environ(), "CONTAINERS_STORAGE_CONF="+dir+"/storage.conf", "CONTAINERS_CONF="+dir+"/containers.conf", "CONTAINERS_REGISTRIES_CONF="+dir+"/registries.conf")
	do := func(name string, args ...string) (string, string, int) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env, cmd.Dir = env, dir
		var out, complaints bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &complaints
		err := cmd.Run()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
	}
	defer do("podman", "rmi", "-fa")
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "trace"), "github.com/lannerhq/lanner/cmd/trace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	write("busybox", string(program))
	image := func(tag, dockerfile string) {
		t.Helper()
		write(tag+".Dockerfile", dockerfile)
		if out, complaints, code := do("buildah", "bud", "-q", "--isolation", "chroot", "--pull-never", "-t", "localhost/"+tag+":1", "-f", tag+".Dockerfile", dir); code != 0 {
			t.Fatalf("buildah: %s%s\n%s", out, complaints, dockerfile)
		}
	}
	image("trace", "FROM scratch\nCOPY trace /trace\n")
	o := defaults()
	o.TraceImage = "localhost/trace:1"
	const bin = "FROM scratch AS base\nCOPY --chmod=755 busybox /bin/sh\n"
	for tag, c := range map[string]struct{ dockerfile, want string }{
		"exec":  {bin + "ENTRYPOINT [\"/bin/sh\", \"-c\", \"echo got $0 $1; exit 7\"]\nCMD [\"a\", \"b c\"]\nUSER 1000\n", "got a b c\n"},
		"shell": {bin + "ENTRYPOINT echo got \\\n  $0; \\\n  exit 7\n", "got /bin/sh\n"},
		"stage": {bin + "CMD [\"/bin/sh\", \"-c\", \"echo got it; exit 7\"]\nFROM base\nENV A=b\n", "got it\n"},
	} {
		text, said := run(t, c.dockerfile, o, false)
		if !strings.HasSuffix(said, ": wrapped\n") {
			t.Fatal(said)
		}
		image(tag, text)
		out, events, code := do("podman", "run", "--rm", "--network", "none", "--cap-drop", "ALL", "localhost/"+tag+":1")
		if out != c.want || code != 7 || !strings.Contains(events, "execve") {
			t.Errorf("%s: exit status %d, printed %q, not %q, events\n%s", tag, code, out, c.want, events)
		}
	}
}
