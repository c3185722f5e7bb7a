package eventtest

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed c
var sources embed.FS

// envPrograms names a directory of compiled C cases, for machines without a
// compiler; Build fills one.
const envPrograms = "LANNER_EVENTTEST_PROGRAMS"

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
	if dir := os.Getenv(envPrograms); dir != "" {
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
	path, out, err := compile(buildDir, c)
	if err != nil {
		if c.I386 {
			missing(t, "gcc -m32 does not work: "+out)
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
	if c.I386 {
		return filepath.Join("i386", c.Program) // the name of the task is the same
	}
	return c.Program
}

// Build compiles all C cases into a directory, for another machine.
func Build(dir string) error {
	for _, c := range Cases() {
		if c.Program == "" {
			continue
		}
		if _, _, err := compile(dir, &c); err != nil {
			return err
		}
	}
	return nil
}

func compile(dir string, c *Case) (path, output string, err error) {
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
	args := []string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wno-format-truncation", "-static", "-pthread", "-o", path,
		filepath.Join(dir, c.Program+".c")}
	if c.I386 {
		args = append(args, "-m32")
	}
	out, err := exec.Command("gcc", args...).CombinedOutput()
	return path, string(out), err
}

// runs skips a case of an i386 program on a kernel that does not run such.
func runs(t *testing.T, c *Case, path string) {
	t.Helper()
	if !c.I386 {
		return
	}
	if out, err := exec.Command(path, "probe").CombinedOutput(); err != nil {
		t.Skipf("this kernel runs no i386 programs: %v %s", err, out)
	}
}
