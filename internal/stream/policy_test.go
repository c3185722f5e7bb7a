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

// TestNobody: where nobody listens the buffer fills, then events are dropped, or Write
// fails.
func TestNobody(t *testing.T) {
	tx := newSource(t, SenderConfig{Address: address(t)}, processes(100))
	const n = 10000
	tx.send(t, 0, n)
	if st := tx.ended(t); st.NoListener != n || st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	tx = newSource(t, SenderConfig{Address: address(t), Full: Exit}, processes(100))
	var err error
	for i := int64(0); err == nil && i < n; i++ {
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
}

// TestBlockAlone: under Block whoever writes waits for a listener to come, and is told so;
// once somebody is in a hurry, nobody waits any more.
func TestBlockAlone(t *testing.T) {
	const n = 10000
	for _, comes := range []bool{true, false} {
		a, alarms := address(t), make(chan string, 10)
		tx := newSource(t, SenderConfig{Address: a, Full: Block, Alarm: func(line string) { alarms <- line }}, processes(100))
		sent := make(chan struct{})
		go func() {
			tx.send(t, 0, n)
			close(sent)
		}()
		alarm := func(want string) {
			t.Helper()
			select {
			case line := <-alarms:
				if !strings.Contains(line, "nobody listens") || !strings.Contains(line, want) {
					t.Errorf("%q", line)
				}
			case <-time.After(patience):
				t.Fatal("nothing is said")
			}
		}
		alarm("what is traced waits")
		select {
		case <-sent:
			t.Fatal("nothing waited")
		default:
		}
		if !comes {
			tx.Hurry()
			<-sent
			if st := tx.ended(t); st.NoListener != n {
				t.Errorf("%+v", st)
			}
			continue
		}
		rx := newSink(t, ServerConfig{Address: a}, nil)
		<-sent
		rx.count(t, n)
		rx.end()
		// At the end, too, it waits for a listener to come back.
		tx.until(t, func(s *Sender) bool { return !s.connected })
		tx.send(t, n, 1)
		ended := make(chan SenderStats)
		go func() { ended <- tx.ended(t) }()
		alarm("trace waits for the last 0 KiB of events")
		rx = newSink(t, ServerConfig{Address: a}, nil)
		if st := <-ended; st.Sent != n+1 || st.Dropped() != 0 {
			t.Errorf("%+v", st)
		}
		rx.count(t, 1)
		rx.end()
	}
}
