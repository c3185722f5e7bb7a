package main

import (
	"fmt"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

const aboutFill = `How each event is laid out: one FILL(name, type, n) { body } for each event that
a driver emits, n being the number of its parameters, an expression that may use
c. Include after an ops header, which supplies:

	struct call			what a call is to the driver; c points to one
	FILL(name, type, n)		opens a function that lays out an event through c
	current_profile(c)		whether the current edition of the contract is
					emitted, and not 0.36
	put_u8, put_u16, put_u32,
	put_u64, put_s64 (c, value)	append a value of that width, and its length

and the ops below. Each reads at exit what the event is of, at entry for enter
events; memory that can't be read yields 0, or an empty value. x, y and z are
arguments of the call, 0 where the call has none.

An ops header may tell kinds of events apart, for they hang on different hooks:
FILL_ENTER, FILL_EXIT and FILL_POINT (tracepoints and what drivers say of
themselves) are FILL if undefined. Events of BPF iterators are left out unless
FILL_ITER is defined. FILLER is how fillers are declared, static and inlined if
undefined. One that is missing fails the build (with -Werror, a probe) or the
link (a module).
`

// cFill writes the events.
func cFill() []byte {
	h := newHeader("fill", aboutFill+"\n"+opTable())
	h.WriteString(`
#include "event.h"
#include "convert.h"

#ifndef FILL_ENTER
#define FILL_ENTER FILL
#endif
#ifndef FILL_EXIT
#define FILL_EXIT FILL
#endif
#ifndef FILL_POINT
#define FILL_POINT FILL
#endif
#ifndef FILLER
#define FILLER static __always_inline
#endif
`)
	sections := []struct {
		macro, about string
		of           func(*spec.Event) bool
	}{
		{"FILL_ENTER", "enter events", func(e *spec.Event) bool { return isCall(e) && e.Enter() }},
		{"FILL_EXIT", "exit events", func(e *spec.Event) bool { return isCall(e) && !e.Enter() }},
		{"FILL_POINT", "tracepoints and what drivers say of themselves", func(e *spec.Event) bool { return !isCall(e) && !isIter(e) }},
		{"FILL_ITER", "BPF iterators", isIter},
	}
	for _, s := range sections {
		var rows []*spec.Event
		for i := range spec.Events {
			if e := &spec.Events[i]; e.In != spec.None && s.of(e) {
				rows = append(rows, e)
			}
		}
		h.f("\n/* %s */\n", s.about)
		if s.macro == "FILL_ITER" {
			h.WriteString("\n#ifdef FILL_ITER\n")
		}
		cFillers(h, rows)
		for _, e := range rows {
			cRow(h, s.macro, e)
		}
		if s.macro == "FILL_ITER" {
			h.WriteString("\n#endif /* FILL_ITER */\n")
		}
	}
	cList(h)
	return h.close()
}

// cList names all events again, for drivers that have a table of them.
func cList(h *header) {
	h.WriteString("\n/* All of them but those of iterators, for tables: X(name, type) for each. */\n#define FILL_EVENTS(X)")
	for i := range spec.Events {
		if e := &spec.Events[i]; e.In != spec.None && !isIter(e) {
			h.f(" \\\n\tX(%s, %s)", snake(e.Ident), constant(e))
		}
	}
	h.WriteString("\n")
}

func isCall(e *spec.Event) bool { return e.Category&spec.OfSyscall != 0 }
func isIter(e *spec.Event) bool { return e.Category&spec.Iter != 0 }

// cFillers declares what the driver writes by hand.
func cFillers(h *header, rows []*spec.Event) {
	h.WriteByte('\n')
	for _, e := range rows {
		if e.Filler != "" {
			h.f("FILLER void filler_%s(struct call *c);\n", e.Filler)
		}
	}
}

// cRow writes one event. Parameters that edition 0.36 lacks are the last ones.
func cRow(h *header, macro string, e *spec.Event) {
	now, then := e.NumParams(spec.Current), e.NumParams(spec.V036)
	count := fmt.Sprint(now)
	switch e.In {
	case spec.Both:
		if now != then {
			count = fmt.Sprintf("current_profile(c) ? %d : %d", now, then)
		}
	case spec.V036:
		now = then
		count = fmt.Sprint(then)
	case spec.Current:
		then = now
	}
	h.f("\n%s(%s, %s, %s)\n{\n", macro, snake(e.Ident), constant(e), count)
	switch {
	case e.Filler != "":
		h.f("\tfiller_%s(c);\n", e.Filler)
	case now == 0:
		h.WriteString("\t(void)c;\n")
	default:
		cParams(h, e.Params[:then], "\t")
		if now != then {
			h.WriteString("\tif (current_profile(c)) {\n")
			cParams(h, e.Params[then:now], "\t\t")
			h.WriteString("\t}\n")
		}
	}
	h.WriteString("}\n")
}

func cParams(h *header, params []spec.Param, indent string) {
	for i := range params {
		h.f("%s%s\t/* %s */\n", indent, put(&params[i]), params[i].Name)
	}
}

// put is the statement that lays out a parameter.
func put(p *spec.Param) string {
	f := p.From
	if spec.Ops[f.Op].Kind == spec.Puts {
		return fmt.Sprintf("put_%s(c%s);", spec.Ops[f.Op].Name, opArgs(f))
	}
	name := fmt.Sprintf("u%d", 8*p.Type.Size())
	if p.Type.Size() == 8 && p.Type.Signed() {
		name = "s64"
	}
	return fmt.Sprintf("put_%s(c, %s);", name, value(f))
}

// value is the expression of an op that yields an integer.
func value(f spec.From) string {
	row := &spec.Ops[f.Op]
	switch {
	case f.Op == spec.Number:
		return fmt.Sprint(f.Args[0])
	case f.Op == spec.Convert:
		return fmt.Sprintf("conv_%s(arg(c, %d))", f.Conv, f.Args[0])
	case f.Op == spec.Arg:
		return fmt.Sprintf("arg(c, %d)", f.Args[0])
	case row.Kind == spec.Pure:
		return fmt.Sprintf("%s(%s)", row.Name, strings.TrimPrefix(opArgs(f), ", "))
	}
	return fmt.Sprintf("%s(c%s)", row.Name, opArgs(f))
}

// opArgs are the arguments of an op behind c, each with a comma before it.
func opArgs(f spec.From) string {
	var b strings.Builder
	for i, kind := range spec.Ops[f.Op].Args {
		switch a := f.Args[i]; {
		case a == spec.NoArg:
			b.WriteString(", 0")
		case kind == 'a':
			fmt.Fprintf(&b, ", arg(c, %d)", a)
		default:
			fmt.Fprintf(&b, ", %d", a)
		}
	}
	return b.String()
}

// opTable lists what an ops header must supply.
func opTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Ops that return an integer:\n\n")
	for o := spec.Result; o < spec.NumOps; o++ {
		if spec.Ops[o].Kind == spec.Yields {
			b.WriteString(opLine("", o))
		}
	}
	fmt.Fprintf(&b, "\nOps that append the value and its length:\n\n")
	for o := spec.Result; o < spec.NumOps; o++ {
		if spec.Ops[o].Kind == spec.Puts {
			b.WriteString(opLine("put_", o))
		}
	}
	return b.String()
}

// opLine says in one or more lines how an op is called and what it does.
func opLine(prefix string, o spec.Op) string {
	call := prefix + spec.Ops[o].Name + "(c"
	for i := range spec.Ops[o].Args {
		call += ", " + string("xyz"[i])
	}
	call += ")"
	const column = 32 // of the words, tabs counted as 8
	tabs := max(1, (column-8-len(call)+7)/8)
	var b strings.Builder
	b.WriteString("\t" + call + strings.Repeat("\t", tabs))
	width := 0
	for i, word := range strings.Fields(opWords(o)) {
		if width += len(word) + 1; i > 0 && width > 56 {
			b.WriteString("\n\t" + strings.Repeat("\t", column/8-1))
			width = len(word) + 1
		} else if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

// opWords says what an op does with x, y and z.
func opWords(o spec.Op) string {
	if o == spec.Arg {
		return "argument number x of the call, from 0"
	}
	w := spec.Ops[o].Words
	for i, name := range []string{"x", "y", "z"} {
		w = strings.ReplaceAll(w, fmt.Sprintf("$%d", i), name)
	}
	return w
}
