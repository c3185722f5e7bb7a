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
	"github.com/lannerhq/lanner/kernel/event/spec"
)

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
	for _, s := range []string{"", "unix:", "udp:1:2", "tcp:", "tcp:1", "tcp:1:", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:-1", "tcp:127.0.0.1:nosuch", "unix:@x", "unix:/" + strings.Repeat("x", 200)} {
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
	if err := tx.Wait(time.Second); err == nil || !strings.Contains(err.Error(), "--profile 0.36") {
		t.Errorf("waiting for a listener that refuses: %v", err)
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

// TestHush: whoever connects in vain, again and again, does not fill the log.
func TestHush(t *testing.T) {
	var h hush
	now, told := time.Now(), 0
	for range 1000 {
		if _, ok := h.allow(now); ok {
			told++
		}
	}
	kept, ok := h.allow(now.Add(hushPeriod + 1))
	if told != hushLines || !ok || kept != 1000-hushLines {
		t.Errorf("%d told, then %v with %d kept", told, ok, kept)
	}
}
