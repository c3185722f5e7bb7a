package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/lacktest"
)

// traceBin is the program under test, selfBin the C programs of testdata/self.
var traceBin, selfBin string

func TestMain(m *testing.M) {
	lacktest.Main()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "trace-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		os.Chmod(dir, 0o755) // some tests run as another user
		traceBin, selfBin = filepath.Join(dir, "trace"), filepath.Join(dir, "self")
		for _, cmd := range []*exec.Cmd{
			exec.Command("go", "build", "-o", traceBin, "."),
			exec.Command("sh", "-c", `gcc -O1 -o "$1" testdata/self/*.c -lpthread`, "sh", selfBin),
		} {
			if cmd.Args[0] == "go" {
				cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n%s", cmd, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// need skips a test where a program is missing, and fails it where everything
// must run.
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

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// A result is what a program did.
type result struct {
	out, err string
	code     int            // exit code, -1 if a signal ended it
	sig      syscall.Signal // that signal
}

// timeout ends a program that hangs.
const timeout = 60 * time.Second

func run(t *testing.T, argv ...string) result { return runIn(t, "", argv...) }

// runIn runs a program with an input.
func runIn(t *testing.T, input string, argv ...string) result {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(input)
	return finish(t, cmd)
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = timeout / 4 // for what it left behind, with our pipes
	timer := time.AfterFunc(timeout, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("%v did not end within %v\n%s%s", cmd.Args, timeout, out.String(), errs.String())
	}
	r := result{out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
	if ee := (*exec.ExitError)(nil); errors.As(err, &ee) {
		if ws := ee.Sys().(syscall.WaitStatus); ws.Signaled() {
			r.sig = ws.Signal()
		}
	} else if err != nil {
		t.Fatal(err)
	}
	return r
}

// modes are the ways to trace that a program must not notice.
var modes = map[string][]string{
	"default":    {"-q"},
	"all":        {"-q", "-a"},
	"unfiltered": {"-q", "--seccomp", "never"},
	"text":       {"-a", "-o", "/dev/null"},
	"0.36":       {"-q", "-a", "--profile", "0.36"},
	"modern":     {"-q", "-a", "--driver", "modern-bpf"},
}

// needDriver skips a test where the driver that options ask for can't be used.
func needDriver(t *testing.T, opts []string) {
	t.Helper()
	if slices.Contains(opts, "modern-bpf") {
		needModern(t)
	}
}

// same runs a program with and without trace and wants the same.
func same(t *testing.T, argv ...string) {
	t.Helper()
	want := run(t, argv...)
	for name, opts := range modes {
		t.Run(name, func(t *testing.T) {
			needDriver(t, opts)
			got := run(t, append(append([]string{traceBin}, opts...), append([]string{"--"}, argv...)...)...)
			if got != want {
				t.Errorf("%v\nwithout trace: %+v\n   with trace: %+v", argv, want, got)
			}
		})
	}
}
