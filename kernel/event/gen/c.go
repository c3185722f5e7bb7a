package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A header is a C header under construction.
type header struct {
	bytes.Buffer
	guard string
}

// newHeader opens a header with what every one of them starts with and about,
// the lines of its first comment.
func newHeader(name, about string) *header {
	h := &header{guard: "LANNER_" + strings.ToUpper(name) + "_H"}
	h.f("/* %s */\n/* SPDX-License-Identifier: GPL-2.0 OR MIT */\n", banner)
	h.comment(about)
	h.f("#ifndef %s\n#define %[1]s\n", h.guard)
	return h
}

func (h *header) close() []byte {
	h.f("\n#endif /* %s */\n", h.guard)
	return h.Bytes()
}

func (h *header) f(format string, args ...any) { fmt.Fprintf(h, format, args...) }

// comment writes a comment of its own lines.
func (h *header) comment(text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) == 1 {
		h.f("/* %s */\n", lines[0])
		return
	}
	h.WriteString("/*\n")
	for _, l := range lines {
		h.f("%s\n", strings.TrimRight(" * "+l, " "))
	}
	h.WriteString(" */\n")
}

// snake turns IOUringSetupX into io_uring_setup_x. The last letter of an
// identifier is the direction, a word of its own.
func snake(ident string) string {
	name, dir := ident[:len(ident)-1], ident[len(ident)-1:]
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			after := !unicode.IsUpper(rune(name[i-1]))
			before := i+1 < len(name) && unicode.IsLower(rune(name[i+1]))
			if after || before {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String() + "_" + strings.ToLower(dir)
}

// constant is the C name of an event.
func constant(e *spec.Event) string { return "EVENT_" + strings.ToUpper(snake(e.Ident)) }

// literal writes a number as C wants it: one that does not fit an int is unsigned.
func literal(v uint64) string {
	switch {
	case v < 10:
		return fmt.Sprint(v)
	case v < 1<<31:
		return fmt.Sprintf("%#x", v)
	case v < 1<<32:
		return fmt.Sprintf("%#xU", v)
	}
	return fmt.Sprintf("%#xULL", v)
}
