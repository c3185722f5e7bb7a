package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var injectBin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "inject-test-")
	if err != nil {
		panic(err)
	}
	injectBin = filepath.Join(dir, "inject")
	if out, err := exec.Command("go", "build", "-o", injectBin, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// run runs inject, and returns what it printed and its exit status.
func run(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(injectBin, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}

const pod = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: app
    image: app
    command: [/app]   # ours
  - name: other
    image: other
`

// TestFiles: the ways in and out.
func TestFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pod.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write(pod)
	out, complaints, code := run(t, pod, "k8s", "--offline")
	if code != 0 || !strings.Contains(out, "command: [/lanner/trace, --, /app] # ours") {
		t.Errorf("exit status %d\n%s", code, out)
	}
	if want := "inject: Pod p other: skipped: its command is that of image other, which was not looked up\n"; complaints != want {
		t.Errorf("told %q, want %q", complaints, want)
	}
	if same, _, _ := run(t, "", "k8s", "--offline", file); same != out {
		t.Errorf("a file gives\n%s", same)
	}
	if two, _, _ := run(t, pod, "k8s", "--offline", "-q", file, "-"); two != out+"---\n"+out {
		t.Errorf("two files give\n%s", two)
	}
	if got, _, code := run(t, pod, "k8s", "--offline", "-q", "--check"); code != 1 || got != "" {
		t.Errorf("--check before: exit status %d, %q", code, got)
	}
	if got, _, code := run(t, out, "k8s", "--offline", "-q", "--check"); code != 0 || got != "" {
		t.Errorf("--check after: exit status %d, %q", code, got)
	}
	if got, _, code := run(t, "", "k8s", "--offline", "-q", "--check", "--diff", file); code != 1 || !strings.Contains(got, "-    command: [/app]   # ours\n+    command: [/lanner/trace, --, /app] # ours\n") {
		t.Errorf("--diff: exit status %d\n%s", code, got)
	}
	if got, _, _ := run(t, pod, "k8s", "--offline", "--explain"); got != "Pod p app: wrapped\nPod p other: skipped: its command is that of image other, which was not looked up\n" {
		t.Errorf("--explain:\n%s", got)
	}
	if got, _, _ := run(t, pod, "k8s", "--offline", "--explain", "--json", "--container", "app"); !strings.Contains(got, `"container": "other",
    "action": "skipped",
    "reason": "not among the chosen containers"`) {
		t.Errorf("--explain --json:\n%s", got)
	}
	if got, _, code := run(t, "", "k8s", "--offline", "-q", "-i", file); got != "" || code != 0 || read() != out {
		t.Errorf("-i: exit status %d, %q, wrote\n%s", code, got, read())
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("-i made it %v, %v", info.Mode(), err)
	}
	if _, _, code := run(t, "", "uninject", "k8s", "-i", file); code != 0 || read() != strings.Replace(pod, "   # ours", " # ours", 1) {
		t.Errorf("uninject: exit status %d, wrote\n%s", code, read())
	}
	// The images' own commands come from a map file.
	images := filepath.Join(t.TempDir(), "images.yaml")
	if err := os.WriteFile(images, []byte("other: {cmd: [/other]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := run(t, pod, "k8s", "--offline", "--entrypoints", images, "--trace", `-e 'execve,connect' --format "%evt.type x"`); !strings.Contains(got,
		`command: [/lanner/trace, run-entrypoint, -e, 'execve,connect', --format, '%evt.type x', --entrypoints, '{"*":{"cmd":["/other"]}}', --]`) {
		t.Errorf("with a map file:\n%s", got)
	}
}

// TestHelp: descriptions are indented as they are written, and uninject has no options
// that do nothing there.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"ecs", "--help"}, {"help", "ecs"}} {
		if out, _, _ := run(t, "", args...); !strings.Contains(out, "\nDESCRIPTION:\n   JSON or YAML") || !strings.Contains(out, "\n   under taskDefinition") {
			t.Errorf("%q prints\n%s", args, out)
		}
	}
	if out, _, _ := run(t, "", "uninject", "ecs", "--help"); !strings.Contains(out, "--in-place") || strings.Contains(out, "--sys-ptrace") || strings.Contains(out, "--offline") {
		t.Errorf("uninject has the options\n%s", out)
	}
}

// TestMistakes: one clear line, nothing written.
func TestMistakes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("a: 1\nb: [\nc: 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole.yaml")
	if err := os.WriteFile(whole, []byte(pod), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"k8s", broken}, broken + ": line 4, column 1: "},
		{[]string{"k8s", "-i", whole, broken}, broken + ": line 4, column 1: "},
		{[]string{"k8s", "/no/such/file"}, "/no/such/file: no such file"},
		{[]string{"k8s", "-i"}, "--in-place takes a FILE"},
		{[]string{"k8s", "--json"}, "--json goes with --explain"},
		{[]string{"k8s", "--diff", "--explain"}, "either --diff or --explain"},
		{[]string{"k8s", "--trace-dir", "x"}, `absolute path, not "x"`},
		{[]string{"k8s", "--trace", "-e 'x"}, "--trace"},
		{[]string{"k8s", "--trace", "-e a|b"}, `"|b", which has to be quoted`},
		{[]string{"image", "--trace", "-e a;b", "x", "y"}, `";b", which has to be quoted`},
		{[]string{"webhook", "--exec-trace", "-e a >x"}, `">x", which has to be quoted`},
		{[]string{"uninject", "k8s", "--container", "x", whole}, "unknown option --container"}, // it takes all out
		{[]string{"k8s", "--trace", "-- x"}, "can't have --"},
		{[]string{"k8s", "--trace-image", ""}, "no image reference"},
		{[]string{"k8s", "--sys-ptrace", "maybe"}, `unknown choice "maybe"`},
		{[]string{"k8s", "--entrypoints", broken}, broken + ": "},
		{[]string{"k8s", "--no-such"}, "unknown option --no-such; see inject k8s --help"},
		{[]string{"webhook", "x"}, "takes no arguments"},
		{[]string{"webhook", "--tls-cert", whole}, "go together"},
		{[]string{"webhook", "--exec-trace", "'"}, "--exec-trace"},
		{[]string{"webhook", "--client-ca", whole}, "no certificate in it"},
		{[]string{"webhook", "--offline"}, "--namespace says where"},
		{[]string{"webhook", "--offline", "--namespace", "x", "--kubeconfig", "/no/such/file"}, "/no/such/file"},
		{[]string{"webhook", "--offline", "--namespace", "x"}, "--kubeconfig says where"},
		{[]string{"policy", "--api", "v9"}, `unknown version "v9"`},
		{[]string{"policy", "--trace-dir", "x"}, "absolute path"},
		{[]string{"k9s"}, `no format "k9s"`},
		{[]string{"uninject"}, "takes a format"},
		{[]string{"uninject", "k9s"}, `no format "k9s"`},
	} {
		out, complaints, code := run(t, "", c.args...)
		if code != 2 || out != "" || !strings.Contains(complaints, c.want) || strings.Count(complaints, "\n") != 1 {
			t.Errorf("%q: exit status %d, printed %q, told %q, want %q", c.args, code, out, complaints, c.want)
		}
	}
	if text, err := os.ReadFile(whole); err != nil || string(text) != pod {
		t.Errorf("a file was written though another could not be read: %q, %v", text, err)
	}
}
