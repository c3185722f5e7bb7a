package stream

import (
	"strings"
	"testing"
	"time"
)

// TestBlock: a slow listener slows the tracer, and gets all.
func TestBlock(t *testing.T) {
	a := address(t)
	gate := make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	tx := newSource(t, SenderConfig{Address: a, Full: Block}, processes(100))
	const n = 200000 // 13 MB: more than the sockets and queues between them hold
	sent := make(chan struct{})
	go func() {
		tx.send(t, 0, n)
		close(sent)
	}()
	select {
	case <-sent:
		t.Error("nothing waited for a listener that does not read")
	case <-time.After(500 * time.Millisecond):
	}
	close(gate)
	<-sent
	if st := tx.ended(t); st.Sent != n || st.Dropped() != 0 {
		t.Errorf("%+v", st)
	}
	rx.count(t, n)
	rx.end()
	for i, e := range rx.events {
		if e.fd != int64(i) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

// TestDrop: a listener that does not read costs events, which are counted, told of
// where they are missing, and followed by a new snapshot.
func TestDrop(t *testing.T) {
	a := address(t)
	gate := make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	tx := newSource(t, SenderConfig{Address: a}, processes(100))
	if err := tx.Wait(patience); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for end := time.Now().Add(patience); tx.gap == 0; {
		if time.Now().After(end) {
			t.Fatal("nothing was dropped")
		}
		tx.send(t, n, 10000)
		n += 10000
	}
	close(gate)
	for end := time.Now().Add(patience); tx.gap > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the gap never ended")
		}
		tx.send(t, n, 1)
		n++
	}
	st := tx.ended(t)
	if st.NoRoom == 0 || int64(st.Sent+st.Dropped()) != n {
		t.Errorf("%+v of %d", st, n)
	}
	rx.until(t, "leave", func() bool { return rx.leaves == 1 })
	rx.end()
	told, got := uint64(0), int64(0)
	for _, e := range rx.events {
		if e.text != "" {
			told += dropped(e.text)
		} else {
			got++
		}
	}
	if told != st.NoRoom || rx.Stats().Dropped != told || uint64(got) != st.Sent {
		t.Errorf("told of %d, got %d, %+v", told, got, st)
	}
	if len(rx.joins) < 2 {
		t.Errorf("%d snapshots", len(rx.joins))
	}
	if line := tx.Report(st); !strings.Contains(line, "were dropped") {
		t.Errorf("report %q", line)
	}
}

// TestNobody: where nobody listens the buffer fills, then events are dropped, under
// every policy.
func TestNobody(t *testing.T) {
	for name, full := range map[string]Full{"drop": Drop, "block": Block} {
		t.Run(name, func(t *testing.T) {
			tx := newSource(t, SenderConfig{Address: address(t), Full: full}, processes(100))
			const n = 10000
			tx.send(t, 0, n)
			st := tx.ended(t)
			if st.NoListener != n || st.Sent != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
	t.Run("exit", func(t *testing.T) {
		tx := newSource(t, SenderConfig{Address: address(t), Full: Exit}, processes(100))
		var err error
		for i := int64(0); err == nil && i < 10000; i++ {
			ev := closing(uint64(i), i)
			tx.st.Apply(ev)
			err = tx.Write(ev, tx.st)
		}
		if err != ErrFull {
			t.Errorf("Write: %v", err)
		}
		if _, err := tx.Close(); err == nil {
			t.Error("Close has nothing to say about lost events")
		}
	})
}
