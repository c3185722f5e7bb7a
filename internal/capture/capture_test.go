package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// head returns what a capture of an edition keeps of a state.
func head(st *snapshot.State, profile spec.Profile) *snapshot.State {
	cut := func(p *string, n int) { *p = (*p)[:min(len(*p), n)] }
	for i := range st.Users {
		cut(&st.Users[i].Home, maxCredential)
	}
	for i := range st.Groups {
		cut(&st.Groups[i].Name, maxCredential)
	}
	for i := range st.Threads {
		t := &st.Threads[i]
		for _, p := range []*string{&t.Comm, &t.Exe, &t.ExePath, &t.CWD, &t.Root} {
			cut(p, maxPath)
		}
		for _, l := range []*[]string{&t.Args, &t.Env, &t.Cgroups} {
			if len(*l) > 0 && len((*l)[0]) >= maxList {
				*l = []string{(*l)[0][:maxList-1]}
			}
		}
		if profile == spec.V036 {
			t.PIDNSInitStart, t.TTY, t.PGID = 0, 0, -1
			t.ExeUpperLayer, t.ExeLowerLayer, t.ExeMemfd = false, false, false
			t.ExeIno, t.ExeCTime, t.ExeMTime = 0, 0, 0
		}
		for j := range t.FDs {
			cut(&t.FDs[j].Name, maxPath)
			if profile == spec.V036 && t.FDs[j].Type > maxFDType036 {
				t.FDs[j].Type = snapshot.FDUnsupported
			}
		}
	}
	return st
}

func TestRoundTrip(t *testing.T) {
	for _, profile := range []spec.Profile{spec.V036, spec.Current} {
		for _, compress := range []bool{false, true} {
			events := append(story(t, profile), everyType(t, profile)...)
			events[3].Flags = event.StateOnly
			events = append(events, large(t)...)
			r, got := read(t, file(t, sampleState(), events, Options{Profile: profile, Gzip: compress}))
			same(t, got, events)
			if _, cut := r.Truncated(); cut || r.Section() != 0 || r.Skipped() != 0 {
				t.Errorf("cut %v, section %d, skipped %d", cut, r.Section(), r.Skipped())
			}
			if want := head(sampleState(), profile); !reflect.DeepEqual(r.State(), want) {
				t.Errorf("edition %d:\ngot  %+v\nwant %+v", profile, r.State(), want)
			}
		}
	}
}

// large is two events that need large blocks: one for its size, one, with a
// flag as well, for its wide lengths.
func large(t *testing.T) []event.Event {
	var b event.Builder
	b.Begin(event.RenameX, baseTime, 100, 3)
	b.PutS64(0)
	b.PutString(strings.Repeat("a", 40000))
	b.PutString(strings.Repeat("b", 40000))
	first := len(b.End())
	b.Begin(event.ContainerJSONE, baseTime, 100, 1)
	b.PutString(strings.Repeat("c", 1<<20))
	b.End()
	events := make([]event.Event, 2)
	for i, data := range [][]byte{b.Bytes()[:first], b.Bytes()[first:]} {
		if _, err := events[i].Parse(data); err != nil {
			t.Fatal(err)
		}
	}
	events[1].Flags = event.StateOnly
	return events
}

// A capture that is cut anywhere reads up to there, and says where the block
// began that is not whole.
func TestTruncated(t *testing.T) {
	events := story(t, spec.V036)[:6]
	st := sampleState()
	st.Threads = st.Threads[:1]
	data := file(t, st, events, Options{Profile: spec.V036})
	starts := blocks(t, data)
	whole := 0 // blocks before the cut
	for cut := range data {
		for whole+1 < len(starts) && starts[whole+1] <= cut {
			whole++
		}
		r, err := NewReader(bytes.NewReader(data[:cut]))
		if cut < starts[1] {
			if err == nil {
				t.Fatalf("cut at %d: no error", cut)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		got, err := drain(r)
		same(t, got, events[:max(0, whole-(len(starts)-len(events)))])
		at, isCut := r.Truncated()
		if err != io.EOF || isCut != (cut != starts[whole]) || isCut && at != int64(starts[whole]) {
			t.Fatalf("cut at %d: %v, cut %v at %d", cut, err, isCut, at)
		}
	}
}

// blocks returns where the blocks of a capture start.
func blocks(t *testing.T, data []byte) (starts []int) {
	t.Helper()
	for off := 0; off < len(data); {
		starts = append(starts, off)
		off += int(order.Uint32(data[off+4:]))
	}
	return starts
}

func TestTruncatedGzip(t *testing.T) {
	events := story(t, spec.V036)
	data := file(t, sampleState(), events, Options{Profile: spec.V036, Gzip: true})
	r, err := NewReader(bytes.NewReader(data[:len(data)-20]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(r)
	if _, cut := r.Truncated(); err != io.EOF || !cut || len(got) == 0 {
		t.Errorf("%d events, %v, cut %v", len(got), err, cut)
	}
	data[len(data)-5] ^= 1 // of the checksum
	if r, err = NewReader(bytes.NewReader(data)); err == nil {
		_, err = drain(r)
	}
	if !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("wrong checksum: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	events := story(t, spec.V036)[:6]
	good := file(t, &snapshot.State{}, events, Options{Profile: spec.V036})
	starts := blocks(t, good)
	ev := starts[len(starts)-3]
	for name, c := range map[string]struct {
		damage func(b []byte)
		offset int
	}{
		"magic":        {func(b []byte) { b[8]++ }, 0},
		"not a header": {func(b []byte) { b[0]++ }, 0},
		"length":       {func(b []byte) { b[ev+4]++ }, ev},
		"short":        {func(b []byte) { order.PutUint32(b[ev+4:], 8) }, ev},
		"too long":     {func(b []byte) { order.PutUint32(b[ev+4:], 1<<24) }, ev},
		"trailer":      {func(b []byte) { b[starts[len(starts)-2]-4] += 4 }, ev},
		"type":         {func(b []byte) { order.PutUint32(b[ev:], uint32(machineInfo)) }, ev},
		"event":        {func(b []byte) { b[ev+10+22]++ }, ev}, // its number of parameters
		"machine info": {func(b []byte) { order.PutUint32(b[starts[1]:], uint32(usersV2)) }, starts[1]},
	} {
		data := bytes.Clone(good)
		c.damage(data)
		r, err := NewReader(bytes.NewReader(data))
		if err == nil {
			_, err = drain(r)
		}
		var damaged *DamageError
		if !errors.As(err, &damaged) || damaged.Offset != int64(c.offset) {
			t.Errorf("%s: %v, want damage at %d", name, err, c.offset)
		}
	}
}

func TestSections(t *testing.T) {
	one, two := story(t, spec.V036)[:3], story(t, spec.Current)
	first := file(t, sampleState(), one, Options{Profile: spec.V036})
	empty := file(t, &snapshot.State{}, nil, Options{})
	second := file(t, &snapshot.State{Machine: snapshot.Machine{CPUs: 9}}, two, Options{Profile: spec.Current})
	r, got := read(t, bytes.Join([][]byte{first, empty, second}, nil))
	same(t, got, append(one, two...))
	if r.Section() != 2 || r.State().Machine.CPUs != 9 || len(r.State().Threads) != 0 {
		t.Errorf("section %d, %+v", r.Section(), r.State())
	}
	// A section behind the events that does not start with its header.
	if r, err := NewReader(bytes.NewReader(append(first, second[28:]...))); err != nil {
		t.Error(err)
	} else if _, err := drain(r); err == io.EOF {
		t.Error("no error")
	}
}

// An event of a type that nobody knows yet is passed over.
func TestSkipped(t *testing.T) {
	events := story(t, spec.V036)[:4]
	data := file(t, &snapshot.State{}, events, Options{})
	order.PutUint16(data[blocks(t, data)[6]+10+20:], 9999)
	r, got := read(t, data)
	same(t, got, append(events[:1:1], events[2:]...))
	if r.Skipped() != 1 {
		t.Errorf("%d skipped", r.Skipped())
	}
}

// A failing writer gets whole blocks, and the error reaches the caller once.
func TestWriteError(t *testing.T) {
	full := errors.New("no space left")
	events := story(t, spec.V036)
	out := &limitedWriter{room: 1 << 20, err: full}
	w, err := NewWriter(out, &snapshot.State{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for err == nil && written < 1<<20 {
		err = w.WriteEvent(&events[written%len(events)])
		written++
	}
	if !errors.Is(err, full) {
		t.Fatalf("%v after %d events", err, written)
	}
	if again := w.WriteEvent(&events[0]); again == nil {
		t.Error("a further event was taken")
	}
	if err := w.Flush(); err != nil {
		t.Errorf("flush: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	r, got := read(t, out.Bytes())
	if _, cut := r.Truncated(); !cut || len(got) == 0 {
		t.Errorf("%d events, cut %v", len(got), cut)
	}
	if _, err := NewWriter(&limitedWriter{err: full}, &snapshot.State{}, Options{}); !errors.Is(err, full) {
		t.Errorf("head: %v", err)
	}
}

type limitedWriter struct {
	bytes.Buffer
	room int
	err  error
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	n, _ := w.Buffer.Write(p[:min(len(p), w.room-w.Len())])
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

// What a block claims to hold is not set aside before it is there.
func TestBoundedMemory(t *testing.T) {
	for _, kind := range []blockType{processV9, eventV2Large, 0x777} {
		data := file(t, &snapshot.State{}, nil, Options{})
		data = order.AppendUint32(data, uint32(kind))
		data = order.AppendUint32(data, 1<<25)
		data = append(data, 1, 2, 3)
		if n := testing.AllocsPerRun(1, func() {
			r, err := NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := drain(r); err != io.EOF || cap(r.buf) > 1<<20 {
				t.Errorf("%v, %d bytes", err, cap(r.buf))
			}
		}); n > 1000 {
			t.Errorf("%v allocations", n)
		}
	}
}
