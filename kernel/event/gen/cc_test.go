package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// uapi and testdata hold the headers that tests compile.
const (
	uapi     = "../../uapi"
	testdata = "testdata"
)

// compilers returns those that tests use. Where one is missing the test is
// skipped, but for runs that are to test everything.
func compilers(t *testing.T, names ...string) []string {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
				t.Fatalf("%s is not installed", name)
			}
			t.Skipf("%s is not installed; with CI=true or LANNER_TEST_ALL=1 this is a failure", name)
		}
	}
	return names
}

// compile builds a C program and returns its path.
func compile(t *testing.T, cc, source string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	if err := os.WriteFile(src, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-I", uapi, "-I", testdata, "-o", bin, src}, flags...)
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, out)
	}
	return bin
}

// run gives a program its input and returns the lines it prints.
func run(t *testing.T, bin string, input []byte) []string {
	t.Helper()
	cmd := exec.Command(bin)
	cmd.Stdin = bytes.NewReader(input)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", bin, err, stderr.String())
	}
	var lines []string
	for line := range bytes.Lines(out.Bytes()) {
		lines = append(lines, string(bytes.TrimRight(line, "\n")))
	}
	return lines
}
