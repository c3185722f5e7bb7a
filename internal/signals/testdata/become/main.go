// Command become becomes the program that its arguments name.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/lannerhq/lanner/internal/signals"
)

func main() {
	runtime.LockOSThread()
	fmt.Fprintln(os.Stderr, signals.Exec(os.Args[1], os.Args[1:], os.Environ(), signals.Inherited()))
	os.Exit(1)
}
