package stream

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// FuzzReceive: whatever a peer sends, the server hands on well-formed events or closes.
func FuzzReceive(f *testing.F) {
	head := headOf(f, Self(spec.Current, "c"), processes(100, 200))
	f.Add(head)
	f.Add(head[:len(head)-5])
	f.Add(append(head[:len(head):len(head)], head...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	other := Self(spec.Current, "")
	other.PIDNS++
	f.Add(headOf(f, other, processes(1, 1<<40, -5)))
	f.Add(headOf2(f, []byte(`{"tracer":"`+strings.Repeat("x", 300)+`"}`), processes(1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{cfg: ServerConfig{headTime: time.Minute}, wake: make(chan struct{}, 1), open: make(map[net.Conn]bool)}
		s.room.L = &s.mu
		s.merge.init()
		ours, theirs := net.Pipe()
		go func() {
			go io.Copy(io.Discard, theirs)
			_, _ = theirs.Write(b)
			theirs.Close()
		}()
		go func() {
			s.receive(ours)
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			s.poke()
		}()
		var ev event.Event
		for {
			err := s.ReadInto(&ev)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var again event.Event
			if n, err := again.Parse(ev.Bytes()); err != nil || n != len(ev.Bytes()) {
				t.Fatal(n, err)
			}
		}
	})
}

// FuzzSecure: bytes that no peer with the token has sent never come out as plain text.
func FuzzSecure(f *testing.F) {
	token, err := NewToken([]byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 48, 1, 2, 3})
	f.Add(bytes.Repeat([]byte{0, 16}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, meet := range []func(net.Conn) (net.Conn, error){token.respond, token.initiate} {
			ours, theirs := net.Pipe()
			go func() {
				go io.Copy(io.Discard, theirs)
				_, _ = theirs.Write(b)
				theirs.Close()
			}()
			if conn, err := meet(ours); err == nil {
				if got, _ := io.ReadAll(conn); len(got) > 0 {
					t.Errorf("%q", got)
				}
			}
			ours.Close()
		}
	})
}

// TestSilent: a peer that says nothing is closed, with one line.
func TestSilent(t *testing.T) {
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a, headTime: 20 * time.Millisecond}, nil)
	defer rx.end()
	conn, err := net.Dial("unix", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rx.until(t, "a line", func() bool { return len(rx.lines) > 1 })
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(rx.lines[1], "did not say who it is") || !strings.Contains(string(answer), "did not say who it is") {
		t.Errorf("%q, and to the peer %q", rx.lines, answer)
	}
}

// TestBounded: a server whose reader does nothing keeps no more than it may, however
// much is sent.
func TestBounded(t *testing.T) {
	a := address(t)
	gate := make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	const tracers = 12 // more than the queues of all have room for
	var txs []*source
	for range tracers {
		txs = append(txs, newSource(t, SenderConfig{Address: a, Buffer: 4 << 20}, processes(100)))
	}
	for _, tx := range txs {
		tx.send(t, 0, 60000) // 4 MB
	}
	full := func() bool {
		rx.Server.mu.Lock()
		defer rx.Server.mu.Unlock()
		return rx.bytes > maxQueues-2*batchSize
	}
	rx.until(t, "queues that are full", full)
	time.Sleep(50 * time.Millisecond) // for more to come, if it can
	rx.Server.mu.Lock()
	if most := maxQueues + tracers*2*batchSize; rx.bytes > most {
		t.Errorf("%d bytes are kept, at most %d may be", rx.bytes, most)
	}
	rx.Server.mu.Unlock()
	close(gate)
	for _, tx := range txs {
		tx.ended(t)
	}
	rx.end()
}

// TestHeads: a tracer that describes again and again what there is, without an event,
// waits until that has been looked at.
func TestHeads(t *testing.T) {
	a := address(t)
	gate := make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	conn, err := net.Dial("unix", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var head bytes.Buffer
	w, err := capture.NewWriter(&head, processes(100, 200), capture.Options{Profile: spec.Current})
	if err != nil {
		t.Fatal(err)
	}
	var b event.Builder
	var ev event.Event
	marker(&b, &ev, 1, headMarker, "")
	if err := errors.Join(w.WriteEvent(&ev), w.Flush()); err != nil {
		t.Fatal(err)
	}
	go func() {
		for err := error(nil); err == nil; {
			_, err = conn.Write(head.Bytes())
		}
	}()
	queued := func() (n int) {
		rx.Server.mu.Lock()
		defer rx.Server.mu.Unlock()
		for _, p := range rx.joining {
			n += len(p.queue)
		}
		return n
	}
	rx.until(t, "a head", func() bool { return queued() > 0 })
	time.Sleep(50 * time.Millisecond) // for more to come, if they can
	if n := queued(); n != 1 {
		t.Errorf("%d heads are kept", n)
	}
	close(gate)
	rx.until(t, "heads", func() bool { return len(rx.joins) > 10 })
	conn.Close()
	rx.end()
}

// TestHeadAlone: a tracer of which nothing came but a head, and which is gone before
// that is looked at, is not waited for.
func TestHeadAlone(t *testing.T) {
	left := false
	s := &Server{wake: make(chan struct{}, 1), closed: true}
	s.cfg.Leave = func(*Tracer, []int64) { left = true }
	s.room.L = &s.mu
	s.merge.init()
	p := &peer{queue: []batch{{snap: processes(100)}}, known: true, ended: true}
	p.t = &Tracer{peer: p}
	s.joining = []*peer{p}
	s.arrived.Store(true) // and what woke ReadInto is spent
	defer time.AfterFunc(patience, func() { panic("ReadInto waits for nothing") }).Stop()
	var ev event.Event
	if err := s.ReadInto(&ev); err != io.EOF || !left {
		t.Errorf("%v, left %v", err, left)
	}
}
