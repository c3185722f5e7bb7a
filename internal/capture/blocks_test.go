package capture

import (
	"bytes"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestBlocks: the blocks of a capture are all of it, and their events those that were
// written.
func TestBlocks(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, &snapshot.State{Threads: []snapshot.Thread{{TID: 1, PID: 1}}}, Options{Profile: spec.Current})
	if err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	for i, size := range []int{0, 1, 60000, event.MaxParamLen} {
		var b event.Builder
		var ev event.Event
		b.Begin(event.ReadX, uint64(i), 1, 4)
		b.PutS64(int64(size))
		b.PutBytes(make([]byte, size))
		b.PutS64(3)
		b.PutU32(uint32(size))
		if _, err := ev.Parse(b.End()); err != nil {
			t.Fatal(err)
		}
		want = append(want, bytes.Clone(ev.Bytes()))
		if i%2 == 1 {
			ev.Flags = event.StateOnly
		}
		if i == 2 {
			w.Section(&snapshot.State{})
		}
		if err := w.WriteEvent(&ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	at, sections, events := 0, 0, 0
	for b := range Blocks(file.Bytes()) {
		if b.Start != at || b.Section && b.Event != nil {
			t.Fatalf("%d: %+v", at, b)
		}
		at = b.End
		if b.Section {
			sections++
		}
		if b.Event == nil {
			continue
		}
		var ev event.Event
		if _, err := ev.Parse(b.Event); err != nil || !bytes.Equal(ev.Bytes(), want[events]) {
			t.Errorf("event %d is another: %v", events, err)
		}
		events++
	}
	if at != file.Len() || sections != 2 || events != len(want) {
		t.Errorf("%d of %d bytes, %d sections, %d events", at, file.Len(), sections, events)
	}
}
