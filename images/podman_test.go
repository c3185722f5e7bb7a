package images

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// work is a directory of the tests: podman's storage and what they build.
var work string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if work, err = os.MkdirTemp("", "images-test-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(work)
		os.Chmod(work, 0o755) // some containers run as another user
		files := map[string]string{
			// No daemon, no overlayfs, no cgroup manager: what every machine has.
			"storage.conf":    fmt.Sprintf("[storage]\ndriver=\"vfs\"\nrunroot=%q\ngraphroot=%q\n", work+"/run", work+"/graph"),
			"containers.conf": "[containers]\ndefault_ulimits=[\"nofile=20000:20000\",\"nproc=4096:4096\"]\n[engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\nruntime=\"runc\"\n",
			"registries.conf": "unqualified-search-registries=[]\n",
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		os.Setenv("CONTAINERS_STORAGE_CONF", work+"/storage.conf")
		os.Setenv("CONTAINERS_CONF", work+"/containers.conf")
		os.Setenv("CONTAINERS_REGISTRIES_CONF", work+"/registries.conf")
		code := m.Run()
		if _, err := os.Stat(work + "/graph"); err == nil {
			exec.Command("podman", "pod", "rm", "-fa", "-t", "0").Run()
			exec.Command("podman", "rm", "-fa", "-t", "0").Run()
			exec.Command("podman", "rmi", "-fa").Run()
		}
		return code
	}())
}

// need skips a test where a program is missing, and fails it where everything must run.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("LANNER_TEST_ALL") == "1" {
				t.Fatalf("%s is not installed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
}

// needPodman skips a test where containers can't be run as they are here.
func needPodman(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	need(t, "podman", "buildah", "skopeo", "runc", "catatonit", "busybox", "make")
}

// A result is what a program did.
type result struct {
	out, err string
	code     int
}

// timeout ends a program that hangs.
const timeout = 2 * time.Minute

func run(t *testing.T, argv ...string) result {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, timeout/8
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(timeout, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("%q did not end within %v\n%s%s", argv, timeout, out.String(), errs.String())
	}
	if ee := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ee) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// must runs a program that has to succeed, and returns what it prints.
func must(t *testing.T, argv ...string) string {
	t.Helper()
	r := run(t, argv...)
	if r.code != 0 {
		t.Fatalf("%q: exit status %d\n%s%s", argv, r.code, r.out, r.err)
	}
	return r.out
}

// podman runs a container without a network, with what it prints kept as it is.
func podman(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, append([]string{"podman", "run", "--rm", "--network", "none", "--log-driver", "none"}, args...)...)
}

// built makes images once, in order of need.
var built sync.Map

func build(t *testing.T, name string, how func()) {
	t.Helper()
	once, _ := built.LoadOrStore(name, &sync.Once{})
	once.(*sync.Once).Do(how)
	if t.Failed() {
		t.FailNow()
	}
	if run(t, "podman", "image", "exists", name).code != 0 {
		t.Fatalf("image %s was not made", name)
	}
}

// base makes the base image for both platforms, and returns its name.
func base(t *testing.T) string {
	t.Helper()
	needPodman(t)
	build(t, "localhost/trace:test", func() {
		must(t, "make", "-s", "-C", "..", "images/base/bin/amd64/trace", "images/base/bin/arm64/trace")
		t.Setenv("OUT", work)
		t.Setenv("PLATFORMS", "linux/amd64 linux/arm64")
		must(t, "./build", "trace:test", "base")
	})
	return "localhost/trace:test"
}

// trace is the program of the base image that runs here.
func trace(t *testing.T) string {
	base(t)
	return "base/bin/" + runtime.GOARCH + "/trace"
}

// dockerfile makes an image from the text of a Dockerfile.
func dockerfile(t *testing.T, name, text string, files map[string]string) string {
	t.Helper()
	name = "localhost/" + name + ":test"
	build(t, name, func() {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for to, from := range files {
			must(t, "cp", "-a", from, filepath.Join(dir, to))
		}
		must(t, "buildah", "bud", "--quiet", "--isolation", "chroot", "--pull-never", "-t", name, dir)
	})
	return name
}

// plain is an image with a shell, and a command of its own.
func plain(t *testing.T) string {
	t.Helper()
	needPodman(t)
	return dockerfile(t, "plain", `FROM scratch
COPY bin /bin
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["echo plain; exit 3"]
`, map[string]string{"bin": shell(t)})
}

// app is an application on the base image.
func app(t *testing.T) string {
	t.Helper()
	base(t)
	return dockerfile(t, "app", `FROM localhost/trace:test
COPY bin /bin
ENV LANNER_EVENTS=execve,procexit LANNER_FORMAT="%evt.type %proc.name"
CMD ["/bin/sh", "-c", "echo app; exit 3"]
`, map[string]string{"bin": shell(t)})
}

// shell is a directory with busybox under some of its names.
func shell(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bin")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, "cp", "-L", busybox, bin+"/busybox")
	for _, name := range []string{"sh", "cat", "grep", "id", "sleep", "touch", "true", "tty", "ls", "kill"} {
		if err := os.Symlink("busybox", filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// lines sorts the lines of a log into those of trace and the rest.
func lines(log string) (ours []string, rest string) {
	for line := range strings.Lines(log) {
		if text, ok := strings.CutPrefix(line, "trace: "); ok {
			ours = append(ours, strings.TrimSuffix(text, "\n"))
		} else {
			rest += line
		}
	}
	return ours, rest
}
