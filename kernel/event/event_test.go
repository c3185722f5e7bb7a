package event

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// openat lays out an event with a value of each sort.
func openat(b *Builder) []byte {
	b.Begin(OpenatX, 1700000000000000001, 42, 7)
	b.PutS64(3)
	b.PutS64(AtFDCWD)
	b.PutString("/etc/hosts")
	b.PutU32(1)
	b.PutU32(0)
	b.PutU32(0x800001)
	b.PutEmpty()
	return b.End()
}

func TestRoundTrip(t *testing.T) {
	var b Builder
	openat(&b)
	b.Begin(PluginEventE, 1, -1, 2) // lengths of 32 bits
	b.PutU32(9)
	b.PutBytes(make([]byte, 1<<16))
	b.End()
	b.Begin(Type(9999), 2, 1<<40, 1) // not of this contract
	b.PutU8(0xff)
	b.End()
	b.Begin(GetuidE, 3, 1, 0)
	b.End()

	var ev Event
	r := NewReader(b.Bytes())
	next := func(typ Type, ts uint64, tid int64, n int) {
		t.Helper()
		if err := r.Next(&ev); err != nil {
			t.Fatal(err)
		}
		if ev.Type() != typ || ev.TS() != ts || ev.TID() != tid || ev.NumParams() != n {
			t.Errorf("event %v ts %d tid %d with %d parameters, want %v %d %d %d",
				ev.Type(), ev.TS(), ev.TID(), ev.NumParams(), typ, ts, tid, n)
		}
	}
	next(OpenatX, 1700000000000000001, 42, 7)
	if v, ok := ev.Int(0); v != 3 || !ok {
		t.Errorf("fd is %d %t", v, ok)
	}
	if v, ok := ev.Int(1); v != AtFDCWD || !ok {
		t.Errorf("dirfd is %d %t", v, ok)
	}
	if s, ok := ev.String(2); s != "/etc/hosts" || !ok {
		t.Errorf("name is %q %t", s, ok)
	}
	if v, ok := ev.Int(2); ok {
		t.Errorf("name is integer %d", v)
	}
	if v, ok := ev.Int(6); ok {
		t.Errorf("empty ino is %d", v)
	}
	if p := ev.Param(6); p == nil || len(p) != 0 {
		t.Errorf("empty ino is %v, want empty and not nil", p)
	}
	for _, i := range []int{-1, 7, 100} {
		if _, ok := ev.Int(i); ok || ev.Param(i) != nil {
			t.Errorf("the event has parameter %d", i)
		}
	}
	next(PluginEventE, 1, -1, 2)
	if len(ev.Param(1)) != 1<<16 {
		t.Errorf("data has %d bytes", len(ev.Param(1)))
	}
	next(Type(9999), 2, 1<<40, 1)
	if ev.Type().Row() != nil || ev.Type().String() != "unknown(9999)" {
		t.Errorf("row %v name %s", ev.Type().Row(), ev.Type())
	}
	if _, ok := ev.Int(0); ok || !bytes.Equal(ev.Param(0), []byte{0xff}) {
		t.Errorf("unknown parameter is %v", ev.Param(0))
	}
	next(GetuidE, 3, 1, 0)
	if r.More() || r.Offset() != len(b.Bytes()) {
		t.Errorf("more at %d", r.Offset())
	}
}

func TestInt(t *testing.T) {
	ff := bytes.Repeat([]byte{0xff}, 17)
	for typ := range spec.NumTypes {
		size := typ.Size()
		v, ok := Int(typ, ff[:size])
		isInt := size > 0 && typ != spec.Double && typ != spec.IPv4 && typ != spec.IPv6
		want := int64(-1)
		if !typ.Signed() && size < 8 {
			want = 1<<(8*size) - 1
		}
		if ok != isInt || ok && v != want {
			t.Errorf("%v of all ones is %d %t, want %d %t", typ, v, ok, want, isInt)
		}
		if _, ok := Int(typ, ff[:size+1]); ok {
			t.Errorf("%v takes a byte too many", typ)
		}
	}
}

// TestMalformed damages one event in each way that Parse knows.
func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		name   string
		offset int
		reason string
		damage func([]byte) []byte
	}{
		{"nothing", 0, "header needs", func(b []byte) []byte { return nil }},
		{"half a header", 25, "header needs", func(b []byte) []byte { return b[:25] }},
		{"no length", 16, "length 0", func(b []byte) []byte { order.PutUint32(b[16:], 0); return b }},
		{"length of half a header", 16, "length 25", func(b []byte) []byte { order.PutUint32(b[16:], 25); return b }},
		{"length beyond the limit", 16, "is not between", func(b []byte) []byte { order.PutUint32(b[16:], MaxLen+1); return b }},
		{"length of all ones", 16, "is not between", func(b []byte) []byte { order.PutUint32(b[16:], 1<<32-1); return b }},
		{"cut short", 16, "bytes left", func(b []byte) []byte { return b[:len(b)-1] }},
		{"33 parameters", 22, "at most 32", func(b []byte) []byte { order.PutUint32(b[22:], 33); return b }},
		{"parameters of all ones", 22, "at most 32", func(b []byte) []byte { order.PutUint32(b[22:], 1<<32-1); return b }},
		{"lengths do not fit", 22, "do not fit", func(b []byte) []byte { order.PutUint32(b[16:], 39); return b }},
		{"value too long", 26 + 2*5, "parameter 6 has", func(b []byte) []byte { order.PutUint16(b[26+2*5:], 5); return b }},
		{"value of all ones", 26, "parameter 1 has", func(b []byte) []byte { order.PutUint16(b[26:], 1<<16-1); return b }},
		{"value too short", 40 + 8 + 8 + 11 + 4 + 4 + 3, "1 bytes behind", func(b []byte) []byte { order.PutUint16(b[26+2*5:], 3); return b }},
	} {
		var b Builder
		data := bytes.Clone(openat(&b))
		data = c.damage(data)
		var ev Event
		openat(&b)
		if _, err := ev.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		_, err := ev.Parse(data[:len(data):len(data)])
		var fe *FormatError
		if !errors.As(err, &fe) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if fe.Offset != c.offset || !strings.Contains(fe.Reason, c.reason) {
			t.Errorf("%s: %v, want offset %d and %q", c.name, err, c.offset, c.reason)
		}
		if ev.Bytes() != nil || ev.NumParams() != 0 || ev.Param(0) != nil {
			t.Errorf("%s: the event is not empty", c.name)
		}
	}
}

func TestReaderOffset(t *testing.T) {
	var b Builder
	first := len(openat(&b))
	openat(&b)
	data := b.Bytes()[:len(b.Bytes())-1]
	r := NewReader(data)
	var ev Event
	if err := r.Next(&ev); err != nil {
		t.Fatal(err)
	}
	err := r.Next(&ev)
	var fe *FormatError
	if !errors.As(err, &fe) || fe.Offset != first+16 || r.Offset() != first {
		t.Errorf("%v at %d, want offset %d", err, r.Offset(), first+16)
	}
}

func TestBuilder(t *testing.T) {
	var b Builder
	b.Begin(WriteX, 1, 1, 4)
	b.PutS64(0)
	b.Abort()
	if len(b.Bytes()) != 0 {
		t.Errorf("%d bytes after Abort", len(b.Bytes()))
	}
	b.Begin(ReadX, 1, 2, 4)
	if b.Missing() != 4 {
		t.Errorf("%d missing", b.Missing())
	}
	b.PutInt(8, 1<<64-1)
	copy(b.Room(100), "data")
	b.Commit(4)
	b.PutEmpty()
	if b.Missing() != 1 {
		t.Errorf("%d missing", b.Missing())
	}
	b.PutU32(4096)
	var ev Event
	if _, err := ev.Parse(b.End()); err != nil {
		t.Fatal(err)
	}
	if v, _ := ev.Int(0); v != -1 || string(ev.Param(1)) != "data" || len(ev.Param(2)) != 0 {
		t.Errorf("%s", AppendText(nil, &ev))
	}
	if v, _ := ev.Int(3); v != 4096 {
		t.Errorf("size is %d", v)
	}
	b.Reset()
	if len(b.Bytes()) != 0 {
		t.Error("bytes after Reset")
	}
}

// TestCut makes sure that no value can make an event ill formed.
func TestCut(t *testing.T) {
	long := strings.Repeat("x", 1<<17)
	var b Builder
	b.Begin(MountX, 1, 1, 4)
	b.PutS64(0)
	b.PutString(long)
	b.PutBytes([]byte(long))
	copy(b.Room(len(long)), long)
	b.Commit(len(long))
	var ev Event
	if _, err := ev.Parse(b.End()); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 4; i++ {
		if n := len(ev.Param(i)); n != MaxParamLen {
			t.Errorf("parameter %d has %d bytes, want %d", i, n, MaxParamLen)
		}
	}
	if s, _ := ev.String(1); len(s) != MaxParamLen-1 {
		t.Errorf("string of %d bytes", len(s))
	}
}

// The drivers lay out and readers take millions of events a second.
func TestAllocs(t *testing.T) {
	var b Builder
	var ev Event
	openat(&b)
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		openat(&b)
		if _, err := ev.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		for i := range ev.NumParams() {
			ev.Int(i)
		}
		r := Reader{data: b.Bytes()}
		for r.More() {
			if err := r.Next(&ev); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func FuzzParse(f *testing.F) {
	var b Builder
	openat(&b)
	b.Begin(AsyncEventE, 1, 1, 3)
	b.PutU32(1)
	b.PutString("container")
	b.PutBytes([]byte("{}"))
	b.End()
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:30])
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(make([]byte, HeaderSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(data)
		var ev Event
		for r.More() {
			start := r.Offset()
			if err := r.Next(&ev); err != nil {
				var fe *FormatError
				if !errors.As(err, &fe) || fe.Offset < start || fe.Offset > len(data) {
					t.Fatalf("at %d of %d: %v", start, len(data), err)
				}
				return
			}
			// The parts are the whole: lay the event out again.
			size := 0
			var again Builder
			again.Begin(ev.Type(), ev.TS(), ev.TID(), ev.NumParams())
			for i := range ev.NumParams() {
				size += len(ev.Param(i))
				ev.Int(i)
				ev.String(i)
				if err := again.putValue(append(again.buf, ev.Param(i)...), nil); err != nil {
					t.Fatal(err)
				}
			}
			if r.Offset()-start != len(ev.Bytes()) || size > len(ev.Bytes()) || !bytes.Equal(again.End(), ev.Bytes()) {
				t.Fatalf("%x is read as %x", data[start:r.Offset()], again.Bytes())
			}
		}
	})
}
