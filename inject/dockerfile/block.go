package dockerfile

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// What is ours in a Dockerfile: the lines between two comments, and the mark before
// those that were instructions.
const (
	begin = "# lanner: from here to the end of it, put in by inject dockerfile"
	end   = "# lanner: end"
	mark  = "#lanner# "
)

// An edit puts trace into a stage.
type edit struct {
	at          int      // line behind which ours go, from 1: the stage's last
	entrypoints [][2]int // first and last lines of its ENTRYPOINT instructions, from 1
	lines       []string // ours
}

// putIn makes edits in a text.
func putIn(text string, edits []edit) string {
	if len(edits) == 0 {
		return text
	}
	lines := slices.Collect(strings.Lines(text))
	newline := "\n"
	if strings.Contains(text, "\r\n") {
		newline = "\r\n"
	}
	for _, e := range edits {
		for _, lr := range e.entrypoints {
			for i := lr[0] - 1; i < lr[1]; i++ {
				lines[i] = mark + lines[i]
			}
		}
		last := &lines[e.at-1]
		if !strings.HasSuffix(*last, "\n") {
			*last += newline
		}
		// The lines are joined to the stage's last, so that those of other edits keep
		// their numbers.
		for _, l := range slices.Concat([]string{begin}, e.lines, []string{end}) {
			*last += l + newline
		}
	}
	return strings.Join(lines, "")
}

// takeOut removes what putIn put in, and tells how much that was, in lines.
func takeOut(text string) (string, int) {
	var b strings.Builder
	lines := slices.Collect(strings.Lines(text))
	count := 0
	for i := 0; i < len(lines); i++ {
		if n := block(lines[i:]); n > 0 {
			count += n
			i += n - 1
			continue
		}
		if rest, ok := strings.CutPrefix(lines[i], mark); ok {
			count++
			lines[i] = rest
		}
		b.WriteString(lines[i])
	}
	return b.String(), count
}

// block counts the lines of a block of ours that begins here, 0 if none does.
func block(lines []string) int {
	for i, l := range lines {
		l = strings.TrimRight(l, "\r\n")
		switch {
		case i == 0 && l == begin, i > 0 && slices.ContainsFunc([]string{"COPY", "ENTRYPOINT", "CMD"}, func(name string) bool { return isInstruction(l, name) }):
		case i > 0 && l == end:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// execForm writes words as instructions take them.
func execForm(words []string) string {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(w) // a string can always be encoded
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte(']')
	return b.String()
}
