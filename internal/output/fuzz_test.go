package output

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Whatever bytes an event has, state and output take it, a line stays a line and
// JSON is JSON.
func FuzzWrite(f *testing.F) {
	for i := range spec.Events {
		row := &spec.Events[i]
		args := make([]any, len(row.Params))
		for j := range args {
			args[j] = sample(row, j, i%variants)
		}
		f.Add(build(f, testTime, 100, event.Type(i), args...).Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		st := state.New(testSnapshot())
		var lines, objects strings.Builder
		text, js := NewText(&lines, Options{}), NewJSON(&objects, Options{})
		r := event.NewReader(b)
		n := 0
		for r.More() {
			var ev event.Event
			if r.Next(&ev) != nil {
				break
			}
			st.Apply(&ev)
			if err := text.Write(&ev, st); err != nil {
				t.Fatal(err)
			}
			if err := js.Write(&ev, st); err != nil {
				t.Fatal(err)
			}
			n++
		}
		text.Flush()
		js.Flush()
		if got := strings.Count(lines.String(), "\n"); got != n {
			t.Errorf("%d lines of %d events", got, n)
		}
		for l := range strings.Lines(objects.String()) {
			if !utf8.ValidString(l) || !json.Valid([]byte(l)) {
				t.Errorf("not JSON: %q", l)
			}
		}
	})
}
