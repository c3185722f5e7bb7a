// Package plan is what a test and the init of its virtual machine agree on.
//
// In a nutshell: the test puts a Plan into the machine's initial file system, as
// File. Init carries it out and writes what the command prints, and then how it
// ended, to a serial port.
package plan

import (
	"bytes"
	"fmt"
	"strings"
)

// File is where init finds its plan, as JSON.
const File = "/plan.json"

// A Plan is what init does.
type Plan struct {
	Port    string   // device of the serial port that results go to
	Modules []string // paths of the kernel modules to load, in this order
	Argv    []string // the command; Argv[0] is a path
	Env     []string
	Dir     string
}

// An End is how a command ended.
type End struct {
	Status int    // as a shell has it: 128+n for signal n
	Error  string // why it could not be run; then nothing else counts
}

// The last line on the port. No line of a command's own can be mistaken for it,
// because it has to be the last.
const (
	ended   = "\nlanner-vm: ended with status "
	failed  = "\nlanner-vm: failed: "
	newline = "\n"
)

// Line is what init writes last.
func (e End) Line() string {
	if e.Error != "" {
		return failed + strings.ReplaceAll(e.Error, newline, " ") + newline
	}
	return ended + fmt.Sprint(e.Status) + newline
}

// Cut takes that line off what the port said. It returns false if the machine
// did not come to its end.
func Cut(out []byte) (output []byte, e End, ok bool) {
	body, ok := bytes.CutSuffix(out, []byte(newline))
	at := bytes.LastIndex(body, []byte(newline))
	if !ok || at < 0 {
		return out, End{}, false
	}
	line := string(body[at:])
	if why, ok := strings.CutPrefix(line, failed); ok {
		return body[:at], End{Error: why}, true
	}
	if _, err := fmt.Sscanf(line, ended+"%d", &e.Status); err != nil {
		return out, End{}, false
	}
	return body[:at], e, true
}
