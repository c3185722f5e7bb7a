package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// work is this program as a workload: "bench work NAME ARG...".
func work(args []string) error {
	if len(args) == 0 {
		return errors.New("no name of a workload")
	}
	name, args := args[0], args[1:]
	if name == "timed" && len(args) > 0 {
		return workTimed(args)
	}
	want := map[string]int{"files": 2, "threads": 1, "serve": 2, "load": 3, "steady": 1}
	n, ok := want[name]
	if !ok {
		return fmt.Errorf("unknown workload %q", name)
	}
	if len(args) != n {
		return fmt.Errorf("%s takes %d arguments", name, n)
	}
	switch name {
	case "files":
		return counted(args[1], func(n int) error { return workFiles(args[0], n) })
	case "threads":
		return counted(args[0], workThreads)
	case "serve":
		return workServe(args[0], args[1])
	case "load":
		return counted(args[1], func(conns int) error {
			return counted(args[2], func(n int) error { return workLoad(args[0], conns, n) })
		})
	default:
		return counted(args[0], workSteady)
	}
}

// counted reads a count.
func counted(arg string, f func(int) error) error {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a count", arg)
	}
	return f(n)
}

// workFiles creates, writes, closes and removes files one after the other, with
// those four calls only: package os makes more.
func workFiles(dir string, n int) error {
	content := make([]byte, 512)
	for i := range n {
		name := filepath.Join(dir, strconv.Itoa(i))
		fd, err := unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if _, err := unix.Write(fd, content); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := unix.Close(fd); err != nil {
			return fmt.Errorf("close %s: %w", name, err)
		}
		if err := unix.Unlink(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// workThreads starts threads and lets each say that it runs before the next. The
// runtime ends the thread of a goroutine that returns without unlocking it.
func workThreads(n int) error {
	runs := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			runs <- struct{}{}
		}()
		<-runs
	}
	return nil
}
