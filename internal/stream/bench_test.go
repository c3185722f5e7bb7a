package stream

import (
	"io"
	"testing"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// BenchmarkStream moves events through a Unix socket into a capture, nothing lost.
func BenchmarkStream(b *testing.B) {
	a, err := ParseAddress("unix:" + b.TempDir() + "/s")
	if err != nil {
		b.Fatal(err)
	}
	srv, err := Listen(ServerConfig{Address: a})
	if err != nil {
		b.Fatal(err)
	}
	snap := processes(100)
	done := make(chan error)
	go func() {
		w, err := capture.NewWriter(io.Discard, &snapshot.State{}, capture.Options{Profile: spec.Current})
		st := state.New(snap)
		var ev event.Event
		for n := 0; n < b.N && err == nil; n++ {
			if err = srv.ReadInto(&ev); err == nil {
				st.Apply(&ev)
				err = w.WriteEvent(&ev)
			}
		}
		done <- err
	}()
	tx, err := NewSender(SenderConfig{Address: a, Full: Block, Buffer: 8 << 20, Identity: Self(spec.Current, "")}, snap)
	if err != nil {
		b.Fatal(err)
	}
	st := state.New(snap)
	ev := closing(1, 7)
	b.SetBytes(int64(len(ev.Bytes())))
	b.ResetTimer()
	for range b.N {
		st.Apply(ev)
		if err := tx.Write(ev, st); err != nil {
			b.Fatal(err)
		}
	}
	tx.Flush()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	tx.Close()
	srv.Close()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
