package stream

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
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
	if st := tx.ended(t); st.Sent+st.Dropped() != n || st.Broken != 0 {
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

// TestToken: both ends must know it; what goes over the wire is not to be read.
func TestToken(t *testing.T) {
	good, err := NewToken([]byte("0123456789abcdef\n"))
	if err != nil {
		t.Fatal(err)
	}
	bad, _ := NewToken([]byte("0123456789abcdeg"))
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a, Token: good}, nil)
	defer rx.end()
	lines := make(chan string, 100)
	for _, wrong := range []*Token{bad, nil} {
		tx := newSource(t, SenderConfig{Address: a, Token: wrong, Notice: func(line string) { lines <- line }}, processes(100))
		select {
		case line := <-lines:
			if !strings.Contains(line, "token") {
				t.Errorf("%q", line)
			}
		case <-time.After(patience):
			t.Error("a wrong token is not told of")
		}
		if err := tx.Wait(time.Millisecond); err == nil && wrong != nil {
			t.Error("a wrong token is taken")
		}
		tx.ended(t)
	}
	if len(rx.joins) != 0 {
		t.Fatal("a tracer without the token joined")
	}
	tx := newSource(t, SenderConfig{Address: a, Token: good, Full: Block}, processes(100))
	tx.send(t, 0, 50000)
	if st := tx.ended(t); st.Sent != 50000 {
		t.Errorf("%+v", st)
	}
	rx.count(t, 50000)
}

// TestBeyond: without a token only this machine can be listened to or reached.
func TestBeyond(t *testing.T) {
	for s, ok := range map[string]bool{
		"tcp:127.0.0.1:0": true, "tcp:[::1]:0": true, "tcp:localhost:0": true, "unix:/x": true,
		"tcp::0": false, "tcp:0.0.0.0:0": false, "tcp:[::]:0": false, "tcp:192.0.2.1:7": false, "tcp:example.org:7": false,
	} {
		a, err := ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.check(nil) == nil; got != ok {
			t.Errorf("%s: allowed %v", s, got)
		}
		token, _ := NewToken(bytes.Repeat([]byte("x"), minToken))
		if err := a.check(token); err != nil {
			t.Errorf("%s with a token: %v", s, err)
		}
	}
	for _, s := range []string{"", "unix:", "udp:1:2", "tcp:", "tcp:1", "tcp:1:", "unix:@x", "unix:/" + strings.Repeat("x", 200)} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("%q is %v", s, a)
		}
	}
}

// TestSocket: the mode, a dead socket, a live one, and what is none.
func TestSocket(t *testing.T) {
	a := address(t)
	check := func(want os.FileMode) {
		t.Helper()
		st, err := os.Stat(a.addr)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("mode %v, %v; want %v", st.Mode().Perm(), err, want)
		}
	}
	l, err := net.Listen("unix", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ServerConfig{Address: a}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second listener: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // as if killed
	rx := newSink(t, ServerConfig{Address: a}, nil)
	check(0o600)
	rx.end()
	if _, err := os.Stat(a.addr); err == nil {
		t.Error("the socket is left behind")
	}
	rx = newSink(t, ServerConfig{Address: a, Mode: 0o660}, nil)
	check(0o660)
	rx.end()
	if err := os.WriteFile(a.addr, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ServerConfig{Address: a}); err == nil {
		t.Error("a file was taken for a socket")
	}
}

// TestGarbage: whoever sends no capture is closed with one line, and others notice
// nothing.
func TestGarbage(t *testing.T) {
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a}, nil)
	defer rx.end()
	tx := newSource(t, SenderConfig{Address: a, Full: Block}, processes(100))
	head := headOf(t, Self(spec.Current, ""), processes(100))
	huge := func(kind uint32) []byte {
		b := binary.LittleEndian.AppendUint32(nil, kind)
		return binary.LittleEndian.AppendUint32(b, 0xfffffff0)
	}
	bad := map[string][]byte{
		"text":               []byte("GET / HTTP/1.1\r\n\r\n"),
		"a huge block":       append(head[:28:28], huge(0x215)...),
		"a huge event":       append(head[:len(head):len(head)], huge(0x221)...),
		"a huge unknown one": append(head[:28:28], huge(0x777)...),
		"no length":          append(head[:len(head):len(head)], make([]byte, 64)...),
		"an old identity":    headOf2(t, []byte("{"), processes(100)),
	}
	for name, b := range bad {
		conn, err := net.Dial("unix", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		before := rx.Stats().Refused
		if _, err := conn.Write(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		conn.(*net.UnixConn).CloseWrite() // where more is promised than comes it ends
		rx.until(t, name, func() bool { return rx.Stats().Refused > before || name == "a huge unknown one" })
		conn.Close()
	}
	probe, err := net.Dial("unix", a.addr) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	tx.send(t, 0, 1000)
	tx.ended(t)
	rx.count(t, 1000)
	rx.mu.Lock()
	defer rx.mu.Unlock()
	for _, line := range rx.lines {
		if strings.Contains(line, "\n") || len(line) > 300 {
			t.Errorf("line %q", line)
		}
	}
}

func headOf(t testing.TB, id Identity, snap *snapshot.State) []byte {
	return headOf2(t, id.marshal(), snap)
}

func headOf2(t testing.TB, id []byte, snap *snapshot.State) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, snap, capture.Options{Profile: spec.Current, Identity: id})
	if err == nil {
		err = w.WriteEvent(closing(1, 1))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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

// TestWrongEdition: a server for one edition refuses tracers of another, and says so
// to both.
func TestWrongEdition(t *testing.T) {
	a := address(t)
	rx := newSink(t, ServerConfig{Address: a, Only: spec.V036}, nil)
	defer rx.end()
	lines := make(chan string, 100)
	tx := newSource(t, SenderConfig{Address: a, Notice: func(line string) { lines <- line }}, processes(100))
	select {
	case line := <-lines:
		if !strings.Contains(line, "--profile 0.36") {
			t.Errorf("%q", line)
		}
	case <-time.After(patience):
		t.Error("the tracer was not told")
	}
	tx.ended(t)
}

// TestTokenFile: secrets that all may read are none.
func TestTokenFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "token")
	for _, c := range []struct {
		text string
		mode os.FileMode
		ok   bool
	}{{"0123456789abcdef\n", 0o600, true}, {"0123456789abcdef", 0o640, true}, {"0123456789abcdef", 0o644, false}, {"short", 0o600, false}} {
		if err := os.WriteFile(name, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		os.Chmod(name, c.mode)
		if _, err := ReadToken(name); (err == nil) != c.ok {
			t.Errorf("%q, mode %v: %v", c.text, c.mode, err)
		}
	}
}
