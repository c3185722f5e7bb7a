package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEnv: what is added to a command's environment is there, and in its execve.
func TestEnv(t *testing.T) {
	events := filepath.Join(t.TempDir(), "events")
	out, err := exec.Command(traceBin, "-e", "execve", "--json", "-o", events, "--env", "WHO=a,b c", "--env", "EMPTY=", "--", "sh", "-c", `echo "$WHO/${EMPTY-unset}"`).Output()
	if err != nil || string(out) != "a,b c/\n" {
		t.Errorf("%v, the command found %q", err, out)
	}
	if text, err := os.ReadFile(events); err != nil || !strings.Contains(string(text), "WHO=a,b c") {
		t.Errorf("%v, the events are\n%s", err, text)
	}
	// An event has a page of an environment: what was added is in it, with its last value.
	cmd := exec.Command(traceBin, "-e", "execve", "--json", "-o", events, "--env", "WHO=x", "--env", "OTHER=o", "--env", "WHO=a b", "--", "sh", "-c", `echo "$WHO $OTHER ${#LONG}"`)
	cmd.Env = []string{"LONG=" + strings.Repeat("x", 1<<14), "WHO=me", "PATH=" + os.Getenv("PATH")}
	out, err = cmd.Output()
	if text, rerr := os.ReadFile(events); err != nil || rerr != nil || string(out) != "a b o 16384\n" || !strings.Contains(string(text), `"env":["WHO=a b","OTHER=o","LONG=xxx`) {
		t.Errorf("%v, %v, the command found %q, the events are\n%.500s", err, rerr, out, text)
	}
	for _, bad := range []string{"WHO", "=x"} {
		out, err := exec.Command(traceBin, "--env", bad, "true").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "NAME=VALUE") || strings.Count(string(out), "\n") != 1 {
			t.Errorf("--env %s: %v, %s", bad, err, out)
		}
	}
}
