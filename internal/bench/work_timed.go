package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// workTimed waits for a byte on standard input, then runs a command and prints
// how long it took, in ns: whoever attaches to us meanwhile is no part of that.
func workTimed(argv []string) error {
	if n, err := os.Stdin.Read(make([]byte, 1)); n != 1 {
		return fmt.Errorf("wait for the start: %w", err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	err := cmd.Run()
	fmt.Println(time.Since(began).Nanoseconds())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode())
	}
	return err
}
