package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
	"github.com/lannerhq/lanner/kernel/event"
)

// Exit codes of our own.
const (
	codeFailure  = 125 // trace itself failed
	codeNoExec   = 126 // the command can't be executed
	codeNotFound = 127
)

// A failure is an error with the exit code that it calls for.
type failure struct {
	error
	code int
}

func (f failure) Unwrap() error { return f.error }

// usage is the failure of a command line that makes no sense.
func usage(msg string) error { return failure{errors.New(msg + "; see trace --help"), codeFailure} }

// exit ends the program for an error: one line, and its code.
func exit(err error) {
	code := codeFailure
	if f, ok := errors.AsType[failure](err); ok {
		code = f.code
	}
	complain(err)
	os.Exit(code)
}

// silent ends with a code; what there was to say has been said.
func silent(code int) error {
	os.Exit(code)
	return nil
}

// complain prints one line for an error.
func complain(err error) { fmt.Fprintf(os.Stderr, "trace: %v\n", err) }

// mirror ends the program as the command ended.
func mirror(status unix.WaitStatus) {
	if status.Signaled() {
		signals.Die(status.Signal())
		os.Exit(128 + int(status.Signal())) // PID 1 does not die of signals
	}
	os.Exit(status.ExitStatus())
}

// similarOption suggests an option for an unknown one.
func similarOption(name string) string {
	var names []string
	for _, f := range flags() {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	for len(name) > 0 && name[0] == '-' {
		name = name[1:]
	}
	if n := event.Nearest(name, names); n != "" {
		return fmt.Sprintf("; did you mean --%s?", n)
	}
	return ""
}
