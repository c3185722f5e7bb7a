package eventtest

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed c
var sources embed.FS

// EnvPrograms names a directory of compiled C cases, for machines without a
// compiler; Build fills one.
const EnvPrograms = "LANNER_EVENTTEST_PROGRAMS"

// builtMu guards built, the programs compiled by this process.
var (
	builtMu  sync.Mutex
	built    = map[string]string{}
	buildDir string
)

// program returns the path of a C case's program, compiled if it must be.
func program(t *testing.T, c *Case) string {
	t.Helper()
	name := programName(c)
	if dir := os.Getenv(EnvPrograms); dir != "" {
		path := filepath.Join(dir, name)
		runs(t, c, path)
		return path
	}
	builtMu.Lock()
	defer builtMu.Unlock()
	if path := built[name]; path != "" {
		runs(t, c, path)
		return path
	}
	available(t, "gcc")
	if buildDir == "" {
		dir, err := os.MkdirTemp("", "eventtest")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		buildDir = dir
	}
	path, out, err := compile(buildDir, c, "gcc")
	if err != nil {
		if c.ABI != "" {
			missing(t, "gcc cannot compile for "+c.ABI+": "+out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	built[name] = path
	runs(t, c, path)
	return path
}

// Clean removes what Run compiled.
func Clean() {
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
}

// programName is the name of a C case's program.
func programName(c *Case) string {
	return filepath.Join(c.ABI, c.Program) // the name of the task is the same
}

// Build compiles all C cases that a machine of an architecture has into a
// directory; cc is the compiler and what it is always told.
func Build(dir, arch string, cc ...string) error {
	for _, c := range Cases() {
		if c.Program == "" || c.ABI != "" && arch != "amd64" {
			continue
		}
		if _, out, err := compile(dir, &c, cc...); err != nil {
			return fmt.Errorf("compile %s: %w\n%s", programName(&c), err, out)
		}
	}
	return nil
}

func compile(dir string, c *Case, cc ...string) (path, output string, err error) {
	for _, name := range []string{"case.h", c.Program + ".c"} {
		text, err := sources.ReadFile("c/" + name)
		if err != nil {
			return "", "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", "", err
		}
	}
	path = filepath.Join(dir, programName(c))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", "", err
	}
	args := append(cc[1:len(cc):len(cc)], "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wno-format-truncation", "-static", "-pthread",
		"-o", path, filepath.Join(dir, c.Program+".c"))
	switch c.ABI {
	case "i386":
		args = append(args, "-m32")
	case "x32":
		args = append(args, "-mx32")
	}
	out, err := exec.Command(cc[0], args...).CombinedOutput()
	return path, string(out), err
}

// runs skips a case of another ABI on a kernel that does not run its program.
func runs(t *testing.T, c *Case, path string) {
	t.Helper()
	if c.ABI == "" {
		return
	}
	if out, err := exec.Command(path, "probe").CombinedOutput(); err != nil {
		t.Skipf("this kernel runs no %s programs: %v %s", c.ABI, err, out)
	}
}
