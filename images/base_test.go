package images

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPlatforms: the base image has both platforms, each with its own program, which
// is static and small.
func TestPlatforms(t *testing.T) {
	base(t)
	archive := "oci-archive:" + filepath.Join(work, "trace-test.tar")
	var index struct {
		Manifests []struct {
			Platform struct{ Architecture, OS string }
		}
	}
	if err := json.Unmarshal([]byte(must(t, "skopeo", "inspect", "--raw", archive)), &index); err != nil || len(index.Manifests) != 2 {
		t.Fatalf("%+v, %v", index, err)
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		var image struct {
			Architecture string
			Config       struct{ Entrypoint, Env []string }
		}
		if err := json.Unmarshal([]byte(must(t, "skopeo", "--override-arch", arch, "inspect", "--config", archive)), &image); err != nil {
			t.Fatal(err)
		}
		if image.Architecture != arch || !slices.Equal(image.Config.Entrypoint, []string{"/trace", "--"}) {
			t.Errorf("%s: %+v", arch, image)
		}
		// What the layer has in it.
		dir := t.TempDir()
		must(t, "skopeo", "--override-arch", arch, "copy", "-q", archive, "dir:"+dir)
		layers, _ := filepath.Glob(filepath.Join(dir, "*"))
		found := false
		for _, l := range layers {
			if run(t, "tar", "-xzf", l, "-C", dir, "trace").code == 0 || run(t, "tar", "-xf", l, "-C", dir, "trace").code == 0 {
				found = true
			}
		}
		if !found {
			t.Fatalf("%s: no trace in the layers", arch)
		}
		program := filepath.Join(dir, "trace")
		if st, err := os.Stat(program); err != nil || st.Size() >= 15_000_000 || st.Mode().Perm() != 0o755 {
			t.Errorf("%s: %d bytes, %v, %v", arch, st.Size(), st.Mode(), err)
		}
		f, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		dynamic := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC })
		if f.Machine != machine || dynamic {
			t.Errorf("%s: machine %v, dynamic %v", arch, f.Machine, dynamic)
		}
	}
}

// restrictions are what platforms do to containers.
var restrictions = map[string][]string{
	"default":       {},
	"any user":      {"--user", "1234:4321"},
	"drop ALL":      {"--cap-drop", "ALL"},
	"no new rights": {"--security-opt", "no-new-privileges"},
	"read-only":     {"--read-only", "--read-only-tmpfs=false"},
	"all": {
		"--user", "1234:4321", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--read-only", "--read-only-tmpfs=false",
	},
}

// TestRestricted: the base image works in containers that may do little: events come,
// and output and exit status are the application's own.
func TestRestricted(t *testing.T) {
	image := app(t)
	want := []string{"execve sh", "execve exe", "procexit cat", "procexit sh"} // busybox runs itself as /proc/self/exe
	for name, opts := range restrictions {
		t.Run(name, func(t *testing.T) {
			got := podman(t, append(opts, image, "sh", "-c", "cat /proc/self/status; echo said >&2; exit 7")...)
			events, rest := lines(got.err)
			if got.code != 7 || rest != "said\n" || !slices.Equal(events, want) {
				t.Errorf("exit status %d, %q, events %q", got.code, rest, events)
			}
			// The platform's own filter was there, and ours came to it.
			if !strings.Contains(got.out, "Seccomp_filters:\t2\n") {
				t.Errorf("not under two filters:\n%s", got.out)
			}
		})
	}
	if got := podman(t, image); got.code != 3 || got.out != "app\n" {
		t.Errorf("the image's own command: %+v", got)
	}
}

// TestNoPtrace: under a profile that refuses ptrace the container does not start, or
// runs untraced where that is asked for; one line says which and why.
func TestNoPtrace(t *testing.T) {
	image := app(t)
	seccomp := []string{"--security-opt", "seccomp=" + withoutPtrace(t)}
	got := podman(t, append(seccomp, image)...)
	if got.code != 125 || got.out != "" || !strings.HasPrefix(got.err, "trace: cannot trace /bin/sh: ") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("refuse: %+v", got)
	}
	got = podman(t, append(seccomp, "-e", "LANNER_ON_FAILURE=run", image)...)
	if got.code != 3 || got.out != "app\n" || !strings.Contains(got.err, "running /bin/sh untraced\n") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("run: %+v", got)
	}
}

// withoutPtrace makes podman's own seccomp profile, but for ptrace, and returns its path.
func withoutPtrace(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/usr/share/containers/seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), `"ptrace",`, "")
	if changed == string(text) || strings.Contains(changed, `"ptrace"`) {
		t.Fatal("the profile names ptrace otherwise")
	}
	file := filepath.Join(t.TempDir(), "noptrace.json")
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestStop: podman stop reaches the application, with whatever signal its image wants,
// and it has its grace time to end in its own way; without a handler it dies of the
// signal.
func TestStop(t *testing.T) {
	image := app(t)
	for _, c := range []struct {
		name, signal, script, code string
	}{
		{"handled", "TERM", `trap 'echo tidied; exit 5' TERM; echo ready; while :; do sleep 1000 & wait $!; done`, "5"},
		{"httpd's signal", "WINCH", `trap 'echo tidied; exit 5' WINCH; echo ready; while :; do sleep 1000 & wait $!; done`, "5"},
		{"systemd's signal", "37", `trap 'echo tidied; exit 5' 37; echo ready; while :; do sleep 1000 & wait $!; done`, "5"},
		{"not handled", "TERM", `echo ready; exec sleep 1000`, "143"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := strings.TrimSpace(must(t, "podman", "run", "-d", "--network", "none", "--log-driver", "k8s-file", "--stop-signal", c.signal, image, "sh", "-c", c.script))
			defer must(t, "podman", "rm", "-f", "-t", "0", id)
			logged(t, id, "ready")
			must(t, "podman", "stop", "-t", "60", id)
			if code := strings.TrimSpace(must(t, "podman", "wait", id)); code != c.code {
				t.Errorf("exit status %s, want %s", code, c.code)
			}
			if c.code == "5" {
				logged(t, id, "tidied")
			}
		})
	}
}

// logged waits until a container has logged a line.
func logged(t *testing.T, id, line string) {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		r := run(t, "podman", "logs", id)
		if slices.Contains(strings.Split(r.out, "\n"), line) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not log %q:\n%s%s", id, line, r.out, r.err)
		}
	}
}

// TestTerminal: a container's terminal is the application's.
func TestTerminal(t *testing.T) {
	got := podman(t, "-t", "-e", "LANNER_QUIET=true", app(t), "sh", "-c", "tty; read -t 1 x </dev/tty; exit 4")
	if got.code != 4 || strings.TrimSpace(got.out) != "/dev/pts/0" {
		t.Errorf("%+v", got)
	}
}

// TestElsewhere: events go where the application's log does not.
func TestElsewhere(t *testing.T) {
	image := app(t)
	dir := filepath.Join(work, "events")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o777)
	volume := []string{"-v", dir + ":/events", "--user", "1234", "--cap-drop", "ALL", "--read-only"}
	got := podman(t, append(volume, "-e", "LANNER_OUTPUT=/events/text", image, "sh", "-c", "echo said >&2")...)
	text, err := os.ReadFile(filepath.Join(dir, "text"))
	if got.code != 0 || got.err != "said\n" || err != nil || string(text) != "trace: execve sh\ntrace: procexit sh\n" {
		t.Errorf("a file: %+v, %q, %v", got, text, err)
	}
	got = podman(t, append(volume, "-e", "LANNER_WRITE=/events/scap", "-e", "LANNER_QUIET=1", image, "sh", "-c", "echo said >&2")...)
	events := must(t, trace(t), "-r", filepath.Join(dir, "scap"), "-e", "execve,procexit", "--format", "%evt.type %proc.name")
	if got.err != "said\n" || events != "execve sh\nprocexit sh\n" {
		t.Errorf("a capture: %+v, %q", got, events)
	}
}

// TestStream: events of containers go to one reader outside, each over a Unix socket.
func TestStream(t *testing.T) {
	image := app(t)
	dir := filepath.Join(work, "stream")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	all := filepath.Join(dir, "all")
	reader := exec.Command(trace(t), "serve", "--listen", "unix:"+dir+"/socket", "--socket-mode", "0666", "--format", "%evt.type %proc.name", "-o", all)
	notices, err := reader.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	defer reader.Process.Kill()
	defer time.AfterFunc(timeout, func() { reader.Process.Kill() }).Stop()
	for _, opts := range [][]string{{}, {"--user", "1234", "--cap-drop", "ALL", "--read-only"}} {
		got := podman(t, append(opts, "-v", dir+":/events", "-e", "LANNER_WRITE=unix:/events/socket", "-e", "LANNER_QUIET=1", image, "sh", "-c", "echo said >&2; exit 6")...)
		if got.code != 6 || got.err != "said\n" {
			t.Errorf("%q: %+v", opts, got)
		}
	}
	ended := 0
	for said := bufio.NewScanner(notices); ended < 2 && said.Scan(); {
		if strings.HasSuffix(said.Text(), " ended") {
			ended++
		}
	}
	reader.Process.Signal(syscall.SIGTERM)
	if err := reader.Wait(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(all); err != nil || string(text) != strings.Repeat("execve sh\nprocexit sh\n", 2) {
		t.Errorf("%q, %v", text, err)
	}
}
