package plugin

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// open listens and connects a tracer of one process, 100.
func open(t *testing.T) (*Source, *stream.Sender, *state.State) {
	t.Helper()
	cfg, err := ParseConfig("")
	if err != nil {
		t.Fatal(err)
	}
	params := "unix:" + filepath.Join(t.TempDir(), "s")
	src, err := Open(cfg, params, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	addr, err := stream.ParseAddress(params)
	if err != nil {
		t.Fatal(err)
	}
	snap := &snapshot.State{Threads: []snapshot.Thread{{TID: 100, PID: 100, PTID: 1, VTID: 100, VPID: 100, Comm: "work", Exe: "work"}}}
	tx, err := stream.NewSender(stream.SenderConfig{
		Address: addr, Profile: spec.Current, Identity: stream.Self(spec.Current, ""), Buffer: 1 << 23, Full: stream.Block,
	}, snap)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Wait(time.Minute); err != nil {
		t.Fatal(err)
	}
	return src, tx, state.New(snap)
}

// send sends reads of process 100 that return n bytes each: first, first+1, ...
func send(t *testing.T, tx *stream.Sender, st *state.State, first, count, n int) {
	t.Helper()
	var b event.Builder
	data := make([]byte, n)
	for i := range count {
		b.Reset()
		b.Begin(event.ReadX, 1e18+uint64(first+i), 100, 4)
		b.PutS64(int64(n))
		b.PutBytes(data)
		b.PutS64(3)
		b.PutU32(uint32(n))
		var ev event.Event
		if _, err := ev.Parse(b.End()); err != nil {
			t.Fatal(err)
		}
		if err := tx.Write(&ev, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestSource: what a tracer sends comes out whole, behind events that tell of its
// process, also where the host is slow and batches are full.
func TestSource(t *testing.T) {
	src, tx, st := open(t)
	const (
		small, large = 20000, 100 // 100 events of 60 KB: more than a batch
		all          = 1 + small + large
	)
	go func() {
		send(t, tx, st, 0, small, 10)
		send(t, tx, st, small, large, 60000)
	}()
	var types []event.Type
	next := uint64(1e18)
	for len(types) < all {
		b, err := src.Next(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Data) > batchSize+align {
			t.Fatalf("a batch of %d bytes", len(b.Data))
		}
		for i, at := range b.Starts {
			end := len(b.Data)
			if i+1 < len(b.Starts) {
				end = b.Starts[i+1]
			}
			var ev event.Event
			if n, err := ev.Parse(b.Data[at:end]); err != nil || at%align != 0 || end-at-n >= align {
				t.Fatalf("event at %d of %d bytes: %v", at, n, err)
			}
			types = append(types, ev.Type())
			if len(types) == 1 {
				continue
			}
			if ev.TS() != next {
				t.Fatalf("event %d has time %d", next-1e18, ev.TS()-1e18)
			}
			next++
		}
	}
	if types[0] != event.CloneX || slices.ContainsFunc(types[1:], func(x event.Type) bool { return x != event.ReadX }) {
		t.Errorf("types %v", types[:10])
	}
	if b, err := src.Next(time.Millisecond); err != nil || len(b.Starts) != 0 {
		t.Errorf("nothing is left: %d events, %v", len(b.Starts), err)
	}
	if p := src.Progress(); p != "1 tracers, 20101 events, 0 dropped" {
		t.Errorf("progress %q", p)
	}
	if m := src.Metrics(); m[0] != (Metric{"tracers", true, 1}) || m[1] != (Metric{"n_evts", false, all}) {
		t.Errorf("metrics %v", m)
	}
	if _, err := tx.Close(); err != nil {
		t.Error(err)
	}
	src.Close()
	if b, err := src.Next(time.Minute); err != io.EOF || len(b.Starts) != 0 {
		t.Errorf("closed: %d events, %v", len(b.Starts), err)
	}
}

// TestPatience: only a call that has waited returns nothing.
func TestPatience(t *testing.T) {
	src, tx, st := open(t)
	defer src.Close()
	for i := range 20 {
		send(t, tx, st, i, 1, 10)
		if b, err := src.Next(time.Minute); err != nil || len(b.Starts) == 0 {
			t.Fatalf("%d events, %v", len(b.Starts), err)
		}
		const patience = 20 * time.Millisecond
		begun := time.Now()
		if b, err := src.Next(patience); err != nil || len(b.Starts) == 0 && time.Since(begun) < patience {
			t.Errorf("nothing after %v, %v", time.Since(begun), err)
		}
	}
	if _, err := tx.Close(); err != nil {
		t.Error(err)
	}
}

// TestComeAndGo: tracers that come and go while nothing happens leave nothing behind.
func TestComeAndGo(t *testing.T) {
	s := &Source{known: make(map[*stream.Tracer]bool)}
	stays, snap := new(stream.Tracer), new(snapshot.State)
	for range 1000 {
		goes := new(stream.Tracer)
		s.join(goes, new(snapshot.State))
		s.join(stays, snap)
		s.leave(goes, nil)
	}
	if len(s.waiting) != 1 || s.waiting[0].snap != snap || len(s.known) != 1 || s.tracers != 1 {
		t.Errorf("%d descriptions of %d tracers", len(s.waiting), s.tracers)
	}
}

// TestCloseWhileFull: a host that never reads can close.
func TestCloseWhileFull(t *testing.T) {
	src, tx, st := open(t)
	send(t, tx, st, 0, 100, 60000)
	for full := false; !full; time.Sleep(time.Millisecond) {
		src.mu.Lock()
		full = len(src.filling.Data) > batchSize-70000
		src.mu.Unlock()
	}
	src.Close()
	tx.Hurry() // nobody will come
	_, _ = tx.Close()
}

func TestOpenRefuses(t *testing.T) {
	cfg, err := ParseConfig("")
	if err != nil {
		t.Fatal(err)
	}
	for params, want := range map[string]string{
		"/run/lanner.sock": "not an address", "tcp:0.0.0.0:7070": "token_file in init_config", "unix:/no/such/dir/s": "no such file",
	} {
		if _, err := Open(cfg, params, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", params, err, want)
		}
	}
}
