package main

import (
	"runtime"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A variant is one way to run a command.
type variant struct {
	name     string   // head of its column
	program  string   // the tracer; empty where it is not installed, or there is none
	options  []string // of the tracer; captureFile stands for a file
	peer     string   // name of the variant to compare with
	trace    bool     // counts its events
	complete bool     // reports every call
}

// Names of the variants.
const (
	native    = "native"
	straceAll = "strace -f"
	straceSet = "strace, set"
	traceFile = "trace"
	traceText = "trace, text"
	allFile   = "trace -a"
	allText   = "trace -a, text"
)

// captureFile in the options of a variant stands for the capture's name.
const captureFile = "FILE"

// variants returns all ways, native first, and strace before what is compared
// with it. strace is empty if it is not installed.
func variants(trace, strace string) []variant {
	// The counters come as JSON only where no text is printed: --json would turn
	// the text into JSON as well.
	file := []string{"--stats", "--json", "-q", "-w", captureFile}
	text := []string{"--stats", "-o", "/dev/null"}
	all := func(o []string) []string { return append([]string{"-a"}, o...) }
	return []variant{
		{name: native},
		{name: straceAll, program: strace, options: []string{"-f", "-o", "/dev/null"}},
		{name: straceSet, program: strace, options: []string{"-f", "--seccomp-bpf", "-e", "trace=" + straceDefault(), "-o", "/dev/null"}},
		{name: traceFile, program: trace, options: file, peer: straceSet, trace: true},
		{name: traceText, program: trace, options: text, peer: straceSet, trace: true},
		{name: allFile, program: trace, options: all(file), peer: straceAll, trace: true, complete: true},
		{name: allText, program: trace, options: all(text), peer: straceAll, trace: true, complete: true},
	}
}

// missing reports whether the tracer is not installed.
func (v *variant) missing() bool { return v.name != native && v.program == "" }

// command returns the command line that runs argv this way.
func (v *variant) command(argv []string, capture string) []string {
	if v.program == "" {
		return argv
	}
	return append(append(v.prefix(capture), "--"), argv...)
}

// attach returns the command line that attaches to a process. strace takes no
// seccomp filter there, so that variant makes no sense.
func (v *variant) attach(pid int, capture string) []string {
	return append(v.prefix(capture), "-p", strconv.Itoa(pid))
}

func (v *variant) prefix(capture string) []string {
	line := []string{v.program}
	for _, o := range v.options {
		if o == captureFile {
			o = capture
		}
		line = append(line, o)
	}
	return line
}

// straceDefault is the default set of trace in the words of strace: names that
// this strace may not know have a '?' (strace(1), "-e trace").
func straceDefault() string {
	set := event.DefaultSet(spec.Current)
	var names []string
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		nr := s.X86
		if runtime.GOARCH == "arm64" {
			nr = s.Arm64
		}
		if nr != spec.NoNumber && set.Has(s.SC) {
			names = append(names, "?"+s.Name)
		}
	}
	return strings.Join(names, ",")
}

// shown returns the command line as people want to read it: without paths and
// the hundred names of the default set.
func (v *variant) shown() string {
	if v.name == native {
		return "no tracer"
	}
	line := "strace"
	if v.trace {
		line = "trace"
	}
	for _, o := range v.options {
		if strings.HasPrefix(o, "trace=") {
			o = "trace=SET"
		}
		line += " " + o
	}
	return line
}
