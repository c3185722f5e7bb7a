package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// goTypes lists a constant for each row.
func goTypes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// %s\n\npackage event\n\n// The events, by number. E is enter, X exit.\nconst (\n", banner)
	for _, e := range spec.Events {
		if e.Ident != "" {
			fmt.Fprintf(&b, "%s Type = %d // %s\n", e.Ident, e.Number, e.Name)
		}
	}
	fmt.Fprintf(&b, "\nNumTypes = %d\n)\n", len(spec.Events))
	return b.Bytes()
}

// goFillers lists the fillers that the ptrace driver has to write by hand.
func goFillers() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// %s\n\npackage ptrace\n\n// fillers are the hand-written fillers, by the name in the row.\nvar fillers = map[string]func(*call){\n", banner)
	for _, name := range fillers() {
		fmt.Fprintf(&b, "%q: (*call).fill%s,\n", name, camel(name))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// fillers returns the names of the fillers of events that userspace can emit.
func fillers() []string {
	var names []string
	for _, e := range spec.Events {
		if e.Filler != "" && !e.Kernel {
			names = append(names, e.Filler)
		}
	}
	slices.Sort(names)
	return names
}

// camel turns execve_x into ExecveX.
func camel(snake string) string {
	var s strings.Builder
	for w := range strings.SplitSeq(snake, "_") {
		s.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return s.String()
}

// goPrograms maps events of calls to the programs of the modern probe that lay
// them out: FILL_ENTER and FILL_EXIT of fill.h name them.
func goPrograms() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `// %s

package bpf

import "github.com/lannerhq/lanner/kernel/event"

// programs are the tail-called programs, by the event that they lay out.
var programs = map[event.Type]string{
`, banner)
	for i := range spec.Events {
		if e := &spec.Events[i]; e.In != spec.None && isCall(e) {
			fmt.Fprintf(&b, "\tevent.%s: %q,\n", e.Ident, snake(e.Ident))
		}
	}
	b.WriteString("}\n")
	return b.Bytes()
}
