package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// progress is one line that says what is going on, at a terminal only.
type progress struct {
	w *os.File // nil elsewhere
}

func newProgress(w *os.File) *progress {
	if _, err := unix.IoctlGetTermios(int(w.Fd()), unix.TCGETS); err != nil {
		return &progress{}
	}
	return &progress{w}
}

// eraseLine goes to the start of the line and erases it (console_codes(4), EL).
const eraseLine = "\r\x1b[K"

func (p *progress) show(format string, args ...any) {
	if p.w != nil {
		fmt.Fprintf(p.w, eraseLine+format, args...)
	}
}

func (p *progress) clear() { p.show("") }
