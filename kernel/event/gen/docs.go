package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

const docsIntro = `# Events

Every event that a driver emits, by number: what it holds and where each value
comes from. How values are laid out is in [wire.md](wire.md).

*Editions*: "current" is schema 4.5.1 of the drivers of Falco, "0.36" is schema
2.10.0 (Falco 0.36.2). A parameter without an edition is in every edition that has
the event; one of "current" is left off in edition 0.36. Enter events (>) are read
when a call starts, exit events (<) when it has ended. Arguments of a call are
counted from 0. Memory that cannot be read gives an empty value, or 0 where the
value is a number read from it. A conversion in parentheses turns kernel flags into
the portable ones of its table; tables are at the end.

`

// docsEvents writes the reference of events.
func docsEvents() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- %s -->\n\n%s", banner, docsIntro)
	for i := range spec.Events {
		if e := &spec.Events[i]; e.In != spec.None {
			docsEvent(&b, e)
		}
	}
	docsTables(&b)
	return b.Bytes()
}

func docsEvent(b *bytes.Buffer, e *spec.Event) {
	dir := "<"
	if e.Enter() {
		dir = ">"
	}
	fmt.Fprintf(b, "## %d %s %s\n\n`%s`, category %s", e.Number, dir, e.Name, e.Ident, event.CategoryName(e.Category))
	for bit, words := range map[spec.Category]string{spec.Tracepoint: "of a tracepoint", spec.Iter: "of a BPF iterator"} {
		if e.Category&bit != 0 {
			fmt.Fprintf(b, " (%s)", words)
		}
	}
	fmt.Fprintf(b, "; %s: %s", plural("edition", e.In == spec.Both), e.In)
	if e.Flags != 0 {
		fmt.Fprintf(b, "; flags: %s", e.Flags)
	}
	if e.Kernel {
		b.WriteString("; kernel drivers only")
	}
	b.WriteString("\n\n")
	if len(e.Params) == 0 {
		b.WriteString("No parameters.\n\n")
		return
	}
	b.WriteString("| # | name | type | format | table | edition | value |\n|---|---|---|---|---|---|---|\n")
	for i, p := range e.Params {
		if p.Since&e.In == 0 {
			continue
		}
		typ, table, since := p.Type.String(), p.Table, ""
		if p.RelTo != 0 {
			typ += fmt.Sprintf(" to %s", e.Params[p.RelTo-1].Name)
		}
		if p.Dyn != "" {
			table = p.Dyn + " (dynamic)"
		}
		if p.Since == spec.Current && e.In == spec.Both {
			since = p.Since.String()
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s | %s |\n", i+1, p.Name, typ, p.Format, table, since, e.Words(&p))
	}
	b.WriteByte('\n')
}

func plural(word string, many bool) string {
	if many {
		return word + "s"
	}
	return word
}

// docsTables writes the tables of flags and of dynamic values.
func docsTables(b *bytes.Buffer) {
	b.WriteString("## Tables\n\nPortable values, in the order in which they are printed.\n\n")
	for _, t := range spec.FlagTables {
		var values []string
		for _, f := range t.Values {
			values = append(values, fmt.Sprintf("%s %#x", f.Name, f.Value))
		}
		fmt.Fprintf(b, "**%s**: %s\n\n", t.Name, strings.Join(values, ", "))
	}
	b.WriteString("## Dynamic tables\n\nThe first byte of the value says which entry follows.\n\n")
	for _, t := range spec.DynTables {
		var entries []string
		for i, e := range t.Entries {
			entries = append(entries, fmt.Sprintf("%d %s (%s)", i, e.Ident, e.Type))
		}
		fmt.Fprintf(b, "**%s**: %s\n\n", t.Name, strings.Join(entries, ", "))
	}
}
