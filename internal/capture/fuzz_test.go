package capture

import (
	"bytes"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// FuzzReader feeds files of any kind: none may make the reader panic or go on
// without end, and what it takes can be written and read again.
func FuzzReader(f *testing.F) {
	st := sampleState()
	st.Threads = st.Threads[:2]
	f.Add(file(f, st, story(f, spec.V036)[:8], Options{Profile: spec.V036}))
	f.Add(file(f, st, story(f, spec.Current)[:8], Options{Profile: spec.Current}))
	f.Add(file(f, &snapshot.State{}, story(f, spec.Current)[:2], Options{Gzip: true}))
	for version, kind := range []blockType{processV1, processV2, processV3, processV4} {
		f.Add(oldFile(func(w *Writer) {
			w.begin(kind)
			oldProcess(w, &st.Threads[1], version+1)
			w.end()
			w.begin(eventV1)
			w.u16(0)
			w.buf = append(w.buf, make([]byte, headerV1)...)
			w.buf[len(w.buf)-6] = headerV1
			w.end()
		}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		state := r.State()
		var events []event.Event
		for range 1000 {
			var ev event.Event
			if r.ReadInto(&ev) != nil || r.Section() != 0 {
				break
			}
			events = append(events, clone(&ev))
			events[len(events)-1].Flags &^= largeFlag
		}
		_, again := read(t, file(t, state, events, Options{Profile: spec.Current}))
		same(t, again, events)
	})
}
