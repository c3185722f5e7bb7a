package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runWith runs a program with variables in its environment.
func runWith(t *testing.T, env []string, argv ...string) result {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	return finish(t, cmd)
}

// TestVariables: each option of a command can be given by a variable, the command
// line comes first, and the command is not bothered.
func TestVariables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	scap := file + ".scap"
	for _, c := range []struct {
		name     string
		env      string // separated by blanks
		argv     string
		out, err string
		code     int
	}{
		{"a selection", "LANNER_EVENTS=procexit LANNER_FORMAT=%evt.type", "sh -c exit", "", "procexit\n", 0},
		{"quiet", "LANNER_QUIET=true", "sh -c :", "", "", 0},
		{"empty is not set", "LANNER_QUIET= LANNER_EVENTS=procexit LANNER_FORMAT=%evt.type", "true", "", "procexit\n", 0},
		{"the command line first", "LANNER_EVENTS=execve LANNER_FORMAT=x", "-e procexit --format %evt.type true", "", "procexit\n", 0},
		{"-e instead of all", "LANNER_ALL=1 LANNER_FORMAT=%evt.type", "-e procexit true", "", "procexit\n", 0},
		{"--format instead of JSON", "LANNER_JSON=1 LANNER_EVENTS=procexit", "--format %evt.type true", "", "procexit\n", 0},
		{"prefix", "LANNER_PREFIX=>> LANNER_EVENTS=procexit LANNER_FORMAT=%evt.type", "true", "", ">>procexit\n", 0},
		{"a file", "LANNER_OUTPUT=" + file + " LANNER_EVENTS=procexit", "true", "", "", 0},
		{"a capture", "LANNER_QUIET=1 LANNER_WRITE=" + scap, "true", "", "", 0},
		{"not for the command", "LANNER_QUIET=1 LANNER_WRITE=" + scap, "env", "-LANNER_WRITE", "", 0},
		{"not for what is not ours", "LANNER_QUIET=1 LANNER_PORT=tcp://1.2.3.4:80", "sh -c echo${IFS}$LANNER_PORT", "tcp://1.2.3.4:80\n", "", 0},
		{"not for reading", "LANNER_QUIET=1 LANNER_WRITE=/no/such LANNER_EVENTS=?", "-r " + scap + " -e procexit --format %evt.type", "procexit\n", "", 0},
		{"not a number", "LANNER_SNAPLEN=many", "true", "", "trace: LANNER_SNAPLEN=many: not a number; see trace --help\n", 125},
		{"not true or false", "LANNER_ALL=all", "true", "", "trace: LANNER_ALL=all: not true or false; see trace --help\n", 125},
		{"both forms", "LANNER_JSON=1 LANNER_FORMAT=x", "true", "", "trace: either --json or --format, not both; see trace --help\n", 125},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runWith(t, strings.Fields(c.env), append([]string{traceBin}, strings.Fields(c.argv)...)...)
			if absent, ok := strings.CutPrefix(c.out, "-"); ok {
				if strings.Contains(got.out, absent) {
					t.Errorf("%s is in %s", absent, got.out)
				}
				got.out = c.out
			}
			if got.out != c.out || got.err != c.err || got.code != c.code {
				t.Errorf("%+v\nwant %+v", got, c)
			}
		})
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "procexit") {
		t.Errorf("%q, %v", text, err)
	}
	// None is forgotten, and --help says how they are called.
	help := run(t, traceBin, "--help").out
	for _, f := range commandFlags() {
		if !strings.Contains(help, "--"+f.Names()[0]) {
			t.Errorf("--help is silent about %s", f.Names()[0])
		}
	}
	if variable("on-failure") != "LANNER_ON_FAILURE" || !strings.Contains(help, "LANNER_ON_FAILURE") {
		t.Error("--help is silent about LANNER_ON_FAILURE")
	}
}

// TestVariablesSetuid: a trace with another user's rights does as its command line
// says, whatever its caller's environment is.
func TestVariablesSetuid(t *testing.T) {
	needRoot(t)
	need(t, "setpriv")
	dir, err := os.MkdirTemp(filepath.Dir(traceBin), "setuid-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	if got := run(t, traceBin, "install", dir); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	for mode, heard := range map[os.FileMode]bool{0o755: true, 0o755 | os.ModeSetuid: false, 0o755 | os.ModeSetgid: false} {
		if err := os.Chmod(filepath.Join(dir, "trace"), mode); err != nil {
			t.Fatal(err)
		}
		got := runWith(t, []string{"LANNER_SNAPLEN=many"}, append(nobody(), filepath.Join(dir, "trace"), "--driver", "bpf", "true")...)
		if got.code != 125 || strings.Contains(got.err, "LANNER_SNAPLEN") != heard {
			t.Errorf("%v: %+v, want it to be heard: %v", mode, got, heard)
		}
	}
}

// TestWholeLines: what the command writes to the stream that events go to does not end
// up within their lines, nor they in its.
func TestWholeLines(t *testing.T) {
	got := run(t, traceBin, "--prefix", "trace: ", "-e", "procexit,execve", "--json", "sh", "-c",
		`for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5 6 7 8 9; do echo "app: $i $j" >&2; /bin/true; done) & done; wait`)
	events := 0
	for line := range strings.Lines(got.err) {
		switch {
		case strings.HasPrefix(line, "app: ") && len(line) == len("app: 1 1\n"):
		case strings.HasPrefix(line, `trace: {"evt.num":`) && strings.HasSuffix(line, "}}\n"):
			events++
		default:
			t.Fatalf("mixed: %q", line)
		}
	}
	if events < 2*72 {
		t.Errorf("%d events", events)
	}
}
