package stream

import (
	"net"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestThrough: what a tracer sends comes out, in order, after its snapshot.
func TestThrough(t *testing.T) {
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a}, nil)
	tx := newSource(t, SenderConfig{Address: a}, processes(100))
	const n = 30000
	tx.send(t, 0, n)
	if st := tx.ended(t); st.Sent+st.Dropped() != n || st.Refused != 0 {
		t.Errorf("%+v", st)
	}
	rx.until(t, "leave", func() bool { return rx.leaves == 1 })
	rx.end()
	if len(rx.joins) == 0 || len(rx.joins[0].Threads) != 1 || rx.joins[0].Threads[0].FDs[0].Name != "/etc/hosts" {
		t.Errorf("joins %+v", rx.joins)
	}
	if rx.bases[0] != 0 {
		t.Errorf("a tracer in the server's own namespace has base %#x", rx.bases[0])
	}
	last := int64(-1)
	for _, e := range rx.events {
		if e.text == "" && e.fd <= last {
			t.Fatalf("event %d behind %d", e.fd, last)
		}
		last = max(last, e.fd)
	}
}

// TestReconnect: events wait for a listener to come back, behind a snapshot of what
// there is then.
func TestReconnect(t *testing.T) {
	a := address(t)
	tx := newSource(t, SenderConfig{Address: a, Buffer: 1 << 20}, processes(100))
	tx.send(t, 0, 100) // before anybody listens
	for round := range int64(3) {
		rx := newSink(t, ServerConfig{Address: a}, nil)
		end := time.Now().Add(patience)
		for first := 100 * round; ; time.Sleep(time.Millisecond) {
			if err := tx.Tick(tx.st); err != nil { // as the clock of a pipeline does
				t.Fatal(err)
			}
			rx.mu.Lock()
			n := len(rx.events)
			rx.mu.Unlock()
			if n == 100 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d events from %d on", n, first)
			}
		}
		rx.end()
		for i, e := range rx.events {
			if e.fd != 100*round+int64(i) {
				t.Fatalf("round %d, event %d: %+v", round, i, e)
			}
		}
		if len(rx.joins) != 1 || len(rx.joins[0].Threads) != 1 {
			t.Errorf("round %d: %d snapshots", round, len(rx.joins))
		}
		tx.until(t, func(s *Sender) bool { return !s.connected })
		tx.send(t, 100*(round+1), 100)
	}
	st := tx.ended(t)
	if st.Sent != 300 || st.NoListener != 100 || st.Connections != 3 {
		t.Errorf("%+v", st)
	}
}

func (s *source) until(t *testing.T, ok func(*Sender) bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		met := ok(s.Sender)
		s.mu.Unlock()
		if met {
			return
		}
		if time.Now().After(end) {
			t.Fatal("not within", patience)
		}
	}
}

// TestMerge: events of tracers that send at the same time come out by time; ids of
// other namespaces are kept apart.
func TestMerge(t *testing.T) {
	a := address(t)
	gate := make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	var txs []*source
	for i := range 4 {
		id := Self(spec.Current, "")
		id.PIDNS += uint64(i / 2) // two are in our namespace, two in another
		tx := newSource(t, SenderConfig{Address: a, Identity: id}, processes(100))
		if err := tx.Wait(patience); err != nil {
			t.Fatal(err)
		}
		txs = append(txs, tx)
	}
	const n = 500
	for i := range n {
		for k, tx := range txs {
			tx.ts = uint64(4*i + k)
			tx.send(t, int64(4*i+k), 1)
		}
	}
	for _, tx := range txs {
		if st := tx.ended(t); st.Sent != n {
			t.Errorf("%+v", st)
		}
	}
	close(gate)
	rx.count(t, 4*n)
	rx.until(t, "leaves", func() bool { return rx.leaves == 4 })
	rx.end()
	last := uint64(0)
	for _, e := range rx.events {
		if e.ts < last {
			t.Fatalf("%+v behind %d", e, last)
		}
		last = e.ts
		base := rx.events[0].tid &^ (1<<32 - 1)
		if e.fd%4 >= 2 {
			base = 1 << 32
		}
		if e.tid != base|100 {
			t.Fatalf("%+v: thread %#x, want %#x", e, e.tid, base|100)
		}
	}
	if st := rx.Stats(); st.Late != 0 || st.Tracers != 4 {
		t.Errorf("%+v", st)
	}
}

// TestSpaces: which tracers have the ids of the same namespace.
func TestSpaces(t *testing.T) {
	var s spaces
	s.init()
	base := func(boot string, pidns, init uint64) int64 {
		return s.join(&Tracer{Identity: Identity{Boot: boot, PIDNS: pidns, Init: init}, peer: new(peer)}, 0).base
	}
	boot, pidns := s.own.boot, s.own.pidns
	if a, b := base(boot, pidns, 0), base(boot, pidns, 7); a != 0 || b != 0 {
		t.Errorf("in the server's own: %#x, %#x", a, b)
	}
	first := base(boot, pidns+1, 7)
	if again := base(boot, pidns+1, 7); first == 0 || again != first {
		t.Errorf("in the same: %#x, %#x", first, again)
	}
	seen := map[int64]bool{0: true, first: true}
	for _, other := range []int64{
		base(boot, pidns+1, 8), // where another was that has ended
		base(boot, pidns+2, 7), base("x", pidns, 0), base("", 0, 0), base("", 0, 0),
	} {
		if seen[other] {
			t.Errorf("%#x is of two", other)
		}
		seen[other] = true
	}
}

// TestChain: the ids that servers have given to namespaces are kept apart where these
// servers are tracers of another, and stay the same when one comes back.
func TestChain(t *testing.T) {
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a}, nil)
	defer rx.end()
	ids := map[int64]int{} // number of a namespace, and how many threads have it
	one, other := Self(spec.Current, ""), Self(spec.Current, "")
	events := 0
	for _, id := range []Identity{one, other, one} {
		inner := int64(1<<32 | 100)
		tx := newSource(t, SenderConfig{Address: a, Identity: id, Full: Block}, processes(100, inner))
		tx.write(t, closingOf(100, 1, 1))
		tx.write(t, closingOf(inner, 2, 2))
		tx.ended(t)
		events += 2
		rx.count(t, events)
		rx.mu.Lock()
		got, snap := rx.events[events-2:], rx.joins[len(rx.joins)-1]
		rx.mu.Unlock()
		if got[0].tid != 100 || got[1].tid&(1<<32-1) != 100 || snap.Threads[0].TID != 100 || snap.Threads[1].TID != got[1].tid {
			t.Errorf("threads %#x and %#x, described as %#x and %#x", got[0].tid, got[1].tid, snap.Threads[0].TID, snap.Threads[1].TID)
		}
		ids[got[1].tid>>32]++
	}
	if len(ids) != 2 || ids[0] != 0 {
		t.Errorf("namespaces %v", ids)
	}
}

// TestClocks: a tracer whose clock is far ahead is heard too, however busy others are.
func TestClocks(t *testing.T) {
	a := address(t)
	gate, stop := make(chan struct{}), make(chan struct{})
	rx := newSink(t, ServerConfig{Address: a}, gate)
	go func() { // a slow reader, so that there is always more
		for i := 0; ; i++ {
			select {
			case gate <- struct{}{}:
			case <-stop:
				close(gate)
				return
			}
			if i%200 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	busy := newSource(t, SenderConfig{Address: a, Full: Block}, processes(100))
	ahead := newSource(t, SenderConfig{Address: a, Full: Block}, processes(200))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := int64(0); ; n += 1000 {
			select {
			case <-stop:
				return
			default:
				busy.send(t, n, 1000)
			}
		}
	}()
	ahead.ts = 1 << 62
	ahead.send(t, 1<<40, 10)
	rx.until(t, "the one ahead", func() bool {
		n := 0
		for _, e := range rx.events {
			if e.ts > 1<<62 {
				n++
			}
		}
		return n == 10
	})
	close(stop)
	<-ended
	busy.ended(t)
	ahead.ended(t)
	rx.end()
}

// TestIsCapture: what a tracer sends is a capture, for any reader.
func TestIsCapture(t *testing.T) {
	a := address(t)
	l, err := net.Listen("unix", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tx := newSource(t, SenderConfig{Address: a}, processes(100))
	tx.send(t, 0, 10)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rd, err := capture.NewReader(conn)
	if err != nil {
		t.Fatal(err)
	}
	st := state.New(rd.State())
	var ev event.Event
	shown := 0
	for shown < 10 {
		if err := rd.ReadInto(&ev); err != nil {
			t.Fatal(err)
		}
		st.Apply(&ev)
		if ev.Flags&event.StateOnly != 0 {
			continue
		}
		if fd := st.FD(); shown == 7 && (fd == nil || fd.Name != "/etc/hosts") {
			t.Errorf("descriptor 7 is %+v", fd)
		}
		shown++
	}
	tx.ended(t)
}
