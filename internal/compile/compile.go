// Package compile is what building a driver on the user's machine takes.
//
// In a nutshell: sources that are part of the program are unpacked into a directory of
// their own (Dir), the compilers of the distribution run there, each complaint being one
// line (Run), and what comes out is moved to its place, whole or not at all (Install).
package compile

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Need returns an error that names what is to be installed if a program is missing.
func Need(packages string, programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is missing: install %s", program, packages)
		}
	}
	return nil
}

// Dir makes a directory of sources: those of each file system below the name that it has
// in the repository. Who calls it removes it.
func Dir(sources map[string]embed.FS) (string, error) {
	dir, err := os.MkdirTemp("", "trace-build-")
	if err != nil {
		return "", err
	}
	for name, from := range sources {
		if err := unpack(from, filepath.Join(dir, name)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

func unpack(from embed.FS, dir string) error {
	return fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		to := filepath.Join(dir, name)
		if err != nil || e.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o700))
		}
		text, err := from.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
}

// Run runs a program in a directory and returns what it prints.
func Run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C") // complaints are looked through
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("%s: %s", name, complaint(failed))
	}
	return string(out), err
}

// complaint returns the first error of a compiler.
func complaint(e *exec.ExitError) string {
	for line := range strings.Lines(string(e.Stderr)) {
		if strings.Contains(line, "error:") || strings.Contains(line, ": not found") || strings.Contains(line, "*** ") {
			return strings.TrimSpace(line)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(e.Stderr)), "\n")
	return strings.TrimSpace(e.String() + ": " + first)
}

// Install moves a file to its place, whole or not at all.
func Install(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".trace-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}
