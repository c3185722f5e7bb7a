package output

import (
	"bufio"
	"io"

	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
)

// DefaultFormat is what NewText writes of each event.
const DefaultFormat = "%evt.num %evt.time %evt.cpu %proc.name (%proc.pid.%thread.tid) %evt.dir %evt.type %evt.info"

// What is written at once, bytes. What others write to as well gets no more than a pipe
// takes as a whole (PIPE_BUF, pipe(7)), so that their lines and ours stay in one piece.
const (
	bufferSize = 64 << 10
	sharedSize = 4096
)

// Options say how events look.
type Options struct {
	Color bool // colours of a terminal
	Data  int  // bytes of a buffer that are shown: 0 for DefaultData, below 0 for all

	Prefix string // begins each line
	Shared bool   // others write lines to the same file
}

// lines writes lines.
type lines struct {
	*bufio.Writer
	prefix string
}

func newLines(w io.Writer, o Options) lines {
	size := bufferSize
	if o.Shared {
		size = sharedSize
	}
	return lines{bufio.NewWriterSize(w, size), o.Prefix}
}

// Write writes a line, and the lines before it first if there is no room.
func (l lines) Write(line []byte) (int, error) {
	if len(line) > l.Available() {
		if err := l.Flush(); err != nil {
			return 0, err
		}
	}
	return l.Writer.Write(line)
}

// A Writer writes events, one line each, and counts them from 1.
type Writer interface {
	// Write writes ev, which was applied to st just before.
	Write(ev *event.Event, st *state.State) error

	// Flush writes what is buffered.
	Flush() error
}

// Text writes lines made after a format.
type Text struct {
	out    lines
	pieces []piece
	color  bool
	line   []byte
	r      renderer
}

// NewText returns a writer of lines in DefaultFormat.
func NewText(w io.Writer, o Options) *Text {
	t, err := NewFormat(w, DefaultFormat, o)
	if err != nil {
		panic(err) // the format is a constant
	}
	return t
}

// NewFormat returns a writer of lines in which the %fields of format are
// replaced: %name, %name.ARG or %name[ARG] for fields that take an argument, and
// %20name for a column of 20 bytes. %% is a percent sign, \n and \t are a new
// line and a tab. A field without a value is shown as <NA>. The error of an
// unknown field names the one that is nearest.
func NewFormat(w io.Writer, format string, o Options) (*Text, error) {
	pieces, err := parseFormat(format)
	if err != nil {
		return nil, err
	}
	return &Text{
		out: newLines(w, o), pieces: pieces, color: o.Color,
		r: renderer{maxData: o.Data},
	}, nil
}

// Write writes the line of an event.
func (t *Text) Write(ev *event.Event, st *state.State) error {
	t.r.next(ev, st)
	b := append(t.line[:0], t.out.prefix...)
	for i := range t.pieces {
		b = t.piece(b, &t.pieces[i])
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	t.line = append(b, '\n')
	_, err := t.out.Write(t.line)
	return err
}

func (t *Text) piece(b []byte, p *piece) []byte {
	if p.field == nil {
		return append(b, p.text...)
	}
	on := ""
	if t.color {
		on = t.colorOf(p.field)
		b = append(b, on...)
	}
	start := len(b)
	b, ok := p.field.get(&t.r, b, p.arg)
	if !ok {
		b = append(b[:start], state.NA...)
	}
	for p.width > 0 && len(b)-start < p.width {
		b = append(b, ' ')
	}
	if p.width > 0 {
		b = b[:start+p.width]
	}
	if on != "" {
		b = append(b, colorOff...)
	}
	return b
}

// Flush writes what is buffered.
func (t *Text) Flush() error { return t.out.Flush() }

// Colours (ECMA-48, select graphic rendition).
const (
	colorOff  = "\x1b[0m"
	colorDim  = "\x1b[2m"
	colorName = "\x1b[36m"
	colorType = "\x1b[1m"
	colorFail = "\x1b[1;31m"
)

func (t *Text) colorOf(f *Field) string {
	switch f.Name {
	case "evt.num", "evt.time", "evt.cpu", "evt.dir":
		return colorDim
	case "proc.name":
		return colorName
	case "evt.type":
		if res, ok := t.r.result(); ok && res < 0 {
			return colorFail
		}
		return colorType
	}
	return ""
}
