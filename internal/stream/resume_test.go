package stream

import (
	"net"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

// many is a snapshot whose description is longer than what a socket and the buffer of a
// capture.Writer hold together.
func many() *snapshot.State {
	var ids []int64
	for id := range int64(10000) {
		ids = append(ids, 100+id)
	}
	return processes(ids...)
}

// accept takes a connection, and reads its head up to the marker.
func accept(t *testing.T, l net.Listener) (net.Conn, *capture.Reader) {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	rd, err := capture.NewReader(conn)
	if err != nil {
		t.Fatal(err)
	}
	var ev event.Event
	if err := rd.ReadInto(&ev); err != nil || ev.Flags != event.StateOnly {
		t.Fatalf("no marker behind the head: %v", err)
	}
	return conn, rd
}

// settled waits until a connection takes nothing any more.
func (s *source) settled(t *testing.T) {
	t.Helper()
	last, since := int64(-1), time.Now()
	s.until(t, func(s *Sender) bool {
		if now := s.queued.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 100*time.Millisecond
	})
}

// TestResume: a connection that breaks in the middle of a section's head, or of an event,
// costs no event, and the next one carries a capture that can be read.
func TestResume(t *testing.T) {
	const n = 20
	for name, size := range map[string]int{"head of a section": 10, "event": 60000} {
		t.Run(name, func(t *testing.T) {
			a := address(t)
			l, err := net.Listen("unix", a.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			snap := processes(100)
			if size < 100 {
				snap = many()
			}
			tx := newSource(t, SenderConfig{Address: a, Full: Block, Buffer: 1 << 24}, snap)
			conn, rd := accept(t, l)
			if size < 100 {
				tx.Restart() // the state is to be told again
			}
			for i := range int64(n) {
				tx.write(t, reading(uint64(1+i), i, size))
			}
			if err := tx.Flush(); err != nil {
				t.Fatal(err)
			}
			tx.settled(t)
			conn.(*net.UnixConn).CloseWrite() // what it holds can be read yet
			tx.until(t, func(s *Sender) bool { return !s.connected })
			var ev event.Event
			first := int64(0)
			for rd.ReadInto(&ev) == nil {
				first++
			}
			tx.until(t, func(s *Sender) bool { return s.wantHead.Load() })
			if err := tx.Tick(tx.st); err != nil {
				t.Fatal(err)
			}
			_, rd = accept(t, l)
			for i := first; i < n; i++ {
				if err := rd.ReadInto(&ev); err != nil {
					t.Fatalf("event %d: %v", i, err)
				}
				if got, _ := ev.Int(0); got != i {
					t.Fatalf("event %d, want %d", got, i)
				}
			}
			if got := len(rd.State().Threads); got != len(snap.Threads) {
				t.Errorf("%d of %d threads are told of", got, len(snap.Threads))
			}
			if st := tx.ended(t); st.Sent != n || st.Dropped() != 0 || size > 100 && first == 0 {
				t.Errorf("%+v, %d of them over the first connection", st, first)
			}
		})
	}
}

// TestIdle: a listener is not said to take nothing because nothing came for long.
func TestIdle(t *testing.T) {
	a := address(t)
	l, err := net.Listen("unix", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	alarms := make(chan string, 10)
	tx := newSource(t, SenderConfig{Address: a, Full: Block, Buffer: 1 << 20, Alarm: func(line string) { alarms <- line }}, processes(100))
	conn, _ := accept(t, l)
	tx.mu.Lock()
	tx.movedAt = time.Now().Add(-time.Hour)
	tx.mu.Unlock()
	sent := make(chan struct{})
	go func() {
		tx.send(t, 0, 100000) // more than there is room for
		close(sent)
	}()
	tx.settled(t)
	select {
	case line := <-alarms:
		t.Errorf("after a moment: %q", line)
	default:
	}
	l.Close()
	tx.Hurry()
	conn.Close()
	<-sent
	tx.ended(t)
}
