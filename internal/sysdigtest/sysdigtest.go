// Package sysdigtest lets tests run Debian's sysdig, the client that captures
// are written for.
//
// In a nutshell: Bookworm and Forky return a Tool, whose Run runs sysdig. What
// the machine has not installed is fetched by internal/debian and unpacked
// aside. Where that cannot be done tests are skipped, but fail under CI=true or
// LANNER_TEST_ALL=1.
package sysdigtest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Tool is a sysdig that can be run.
type Tool struct {
	Version string   // as in "0.29.3"
	argv    []string // the program and what stands in front of its arguments
}

// Bookworm returns sysdig 0.29.3, which has the libraries of March 2022: no
// later one is in a release of Debian.
func Bookworm(t testing.TB) *Tool {
	t.Helper()
	const version = "0.29.3"
	if path, err := exec.LookPath("sysdig"); err == nil {
		if tool := (&Tool{argv: []string{path}}); tool.probe() == nil && tool.Version == version {
			return tool
		}
	}
	return tool(t, "bookworm")
}

// Forky returns the sysdig of the release that follows trixie (which has none):
// 0.41.4 or later, with the libraries of Falco 0.42 or later.
func Forky(t testing.TB) *Tool {
	t.Helper()
	return tool(t, "forky")
}

func tool(t testing.TB, suite string) *Tool {
	t.Helper()
	tool, err := fetch(suite)
	if err == nil {
		err = tool.probe()
	}
	if err == nil {
		return tool
	}
	if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
		t.Fatalf("sysdig of %s cannot be had: %v", suite, err)
	}
	t.Skipf("sysdig of %s cannot be had: %v", suite, err)
	return nil
}

func (s *Tool) probe() error {
	out, err := s.Command("--version").Output()
	if err != nil {
		return err
	}
	fields := strings.Fields(string(out)) // "sysdig version 0.41.4+repack"
	if len(fields) > 0 {
		s.Version, _, _ = strings.Cut(fields[len(fields)-1], "+")
	}
	return nil
}

// Files returns the paths of what the tool consists of, for another root directory
// where its Argv is to run.
func (s *Tool) Files(t testing.TB) (paths []string) {
	t.Helper()
	list := exec.Command("ldd", s.argv[0])
	if len(s.argv) > 1 { // by its own loader
		list = exec.Command(s.argv[0], append([]string{"--list"}, s.argv[1:]...)...)
		paths = append(paths, s.argv[0])
	}
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the libraries of sysdig: %v", err)
	}
	for _, word := range strings.Fields(string(out)) { // name => path (address)
		if strings.HasPrefix(word, "/") && !slices.Contains(paths, word) {
			paths = append(paths, word)
		}
	}
	return append(paths, s.argv[len(s.argv)-1])
}

// Argv returns what starts the tool.
func (s *Tool) Argv() []string { return slices.Clone(s.argv) }

// Command returns a command that runs sysdig, in a neutral environment.
func (s *Tool) Command(args ...string) *exec.Cmd {
	argv := append(s.argv[1:len(s.argv):len(s.argv)], args...)
	cmd := exec.Command(s.argv[0], argv...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + os.TempDir()}
	return cmd
}

// Run runs sysdig and returns what it prints. The test fails if it does not end
// well within a minute or complains.
func (s *Tool) Run(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := s.Command(args...)
	run := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	run.Env = cmd.Env
	var out, complaints bytes.Buffer
	run.Stdout, run.Stderr = &out, &complaints
	if err := run.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("sysdig %s %s: %v\n%s", s.Version, strings.Join(args, " "), err, complaints.String())
	}
	return out.String()
}
