// Package lacktest lets tests run programs on a kernel that lacks something.
//
// In a nutshell: each function returns the beginning of a command line, which goes
// before the program's own and makes this kernel answer the program, and all that it
// starts, as one that lacks a thing:
//
//	cmd := exec.Command(append(lacktest.NoBTF(t), "trace", "probe")...)
//
// The beginning is the test binary itself, which calls Main first thing. It changes
// only what it then hands over by execve: files in a mount namespace (btf.go), or
// answers of bpf(2) under a seccomp filter that asks the test (maps.go). The filter
// needs no no_new_privs, as the tests are root's, so nothing else is changed by it.
package lacktest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// First arguments that make the test binary a beginning.
const (
	noBTF  = "lacktest-no-btf"
	noMaps = "lacktest-no-maps"
)

// Main becomes the program of a command line that a function of this package began, and
// returns otherwise. TestMain calls it before it does anything else.
func Main() {
	if len(os.Args) < 3 {
		return
	}
	// Namespaces and filters are a thread's; execve makes this one the only one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	argv := os.Args[2:]
	var err error
	switch os.Args[1] {
	case noBTF:
		err = hideBTF()
	case noMaps:
		err = giveFilter(argv[0])
		argv = argv[1:]
	default:
		return
	}
	if err == nil {
		err = become(argv)
	}
	fmt.Fprintln(os.Stderr, "lacktest:", err)
	os.Exit(99)
}

func become(argv []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, syscall.Exec(path, argv, os.Environ()))
}

// begin returns the beginning of a command line.
func begin(t testing.TB, args ...string) []string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{self}, args...)
}
