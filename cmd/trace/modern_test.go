package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel"
)

// needModern skips a test where the modern probe can't be used, and fails it where
// the kernel is new enough and nothing that we may do is in the way.
func needModern(t *testing.T) {
	t.Helper()
	m := kernel.Look()
	v := kernel.Drivers(m)[0]
	switch {
	case v.Usable:
	case os.Getuid() == 0 && !m.UserNS && !m.PIDNS && m.Version >= kernel.RingBuffer.Since:
		t.Fatalf("Linux %v, but %v", m.Version, v)
	default:
		t.Skip(v)
	}
}

// modern is trace with the modern probe.
func modern(args ...string) []string {
	return append([]string{traceBin, "--driver", kernel.ModernBPF}, args...)
}

// TestModernCommand: events start with the command's execve, all of the tree is
// there, and nothing of what prepared it.
func TestModernCommand(t *testing.T) {
	needModern(t)
	got := run(t, modern("--format", "%evt.type %proc.name %evt.arg.exe", "-e", "execve,procexit", "sh", "-c", "cat /etc/hostname; exit 3")...)
	want := "execve sh sh\nexecve cat cat\nprocexit cat <NA>\nprocexit sh <NA>\n"
	if got.code != 3 || got.err != want {
		t.Errorf("got %+v\nwant %q", got, want)
	}
	got = run(t, modern("-a", "sh", "-c", "exit 0")...)
	first, _, _ := strings.Cut(got.err, "\n")
	if !strings.Contains(first, "< execve res=0 exe=sh ") || strings.Contains(got.err, "about to run") {
		t.Errorf("the first event is %q", first)
	}
}

// TestModernNotRun: a command that can't be executed is told as a shell would.
func TestModernNotRun(t *testing.T) {
	needModern(t)
	script := filepath.Join(t.TempDir(), "nointerp")
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := run(t, modern(script)...)
	if got.code != 127 || got.err != "trace: "+script+": its interpreter is missing\n" {
		t.Errorf("%+v", got)
	}
}

// TestModernDescendants: the tree is traced until its last process is gone, and the
// exit status is that of the command.
func TestModernDescendants(t *testing.T) {
	needModern(t)
	start := time.Now()
	got := run(t, modern("-e", "execve", "--format", "%proc.name", "sh", "-c", "(sleep 0.5; cat /etc/hostname) & exit 4")...)
	if got.code != 4 || got.err != "sh\nsleep\ncat\n" || time.Since(start) < 500*time.Millisecond {
		t.Errorf("%+v after %v", got, time.Since(start))
	}
	// Tracing what was left behind ends with a signal, and that goes on.
	cmd := exec.Command(traceBin, modern("-q", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!; exit 6")[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(pid, unix.SIGKILL)
	time.Sleep(300 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 6 {
		t.Errorf("exit code %d, want 6", code)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("what the command left behind: %v", err)
	}
}
