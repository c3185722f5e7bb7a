package kmod

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// testRing is a ring that a test writes to as the module does.
func testRing(cpu, size int) *ring {
	return &ring{cpu: cpu, info: make([]byte, 4096), data: make([]byte, 2*size), Window: driver.Window{Mask: uint64(size) - 1}}
}

// write adds an event, or returns false if there is no room.
func (r *ring) write(b []byte) bool {
	size := int(r.Mask + 1)
	head, tail := int(r.load32(offHead)), int(r.load32(offTail))
	if (tail-head-1)&(size-1) < len(b) {
		return false
	}
	for i, c := range b {
		at := (head + i) & (size - 1)
		r.data[at], r.data[at+size] = c, c // it is mapped twice
	}
	binary.NativeEndian.PutUint32(r.info[offHead:], uint32((head+len(b))&(size-1)))
	return true
}

// closeEvent is an event of a length that depends on n.
func closeEvent(b *event.Builder, ts uint64, n int) []byte {
	b.Reset()
	b.Begin(event.CloseX, ts, 7, 2)
	b.PutS64(int64(n))
	if n%2 == 0 {
		b.PutS64(3)
	} else {
		b.PutEmpty()
	}
	b.End()
	return b.Bytes()
}

// TestMerge: events of several rings come out by time, none is missed, and rings are
// used again and again.
func TestMerge(t *testing.T) {
	var m driver.Merger
	var rings []*ring
	for cpu := range 4 {
		rings = append(rings, testRing(cpu, 512))
		m.Buffers = append(m.Buffers, rings[cpu])
	}
	var b event.Builder
	written, read := 0, 0
	last := uint64(0)
	for read < 20000 {
		for written < 20000 && rings[rand.IntN(4)].write(closeEvent(&b, uint64(written+1), written)) {
			written++
		}
		for {
			bytes, from := m.Next()
			if bytes == nil {
				break
			}
			var ev event.Event
			if _, err := ev.Parse(bytes); err != nil {
				t.Fatal(err)
			}
			if ev.TS() <= last {
				t.Fatalf("event %d of CPU %d behind %d", ev.TS(), from.(*ring).cpu, last)
			}
			if res, _ := ev.Int(0); uint64(res) != ev.TS()-1 {
				t.Fatalf("event %d says %d", ev.TS(), res)
			}
			last = ev.TS()
			read++
		}
	}
	for _, r := range rings {
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

// TestRingAlloc: the reader's side makes nothing for the collector.
func TestRingAlloc(t *testing.T) {
	first, second := testRing(0, 4096), testRing(1, 4096)
	m := driver.Merger{Buffers: []driver.Buffer{first, second}}
	d := Driver{choice: newChoice(spec.Current, event.Set{})}
	var b event.Builder
	var ev event.Event
	if n := testing.AllocsPerRun(1000, func() {
		first.write(closeEvent(&b, 1, 1))
		second.write(closeEvent(&b, 2, 2))
		for {
			bytes, from := m.Next()
			if bytes == nil {
				break
			}
			if _, err := d.parse(bytes, from.(*ring), &ev); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations for each round", n)
	}
}

// FuzzRing: whatever is in a buffer, reading it ends, and nothing is read beyond it.
func FuzzRing(f *testing.F) {
	var b event.Builder
	good := append([]byte(nil), closeEvent(&b, 1, 2)...)
	f.Add(good, uint32(len(good)))
	f.Add(good[:20], uint32(20))
	f.Add([]byte{}, uint32(511))
	f.Add(make([]byte, 512), uint32(4000000000))
	f.Fuzz(func(t *testing.T, data []byte, head uint32) {
		r := testRing(0, 512)
		for i, c := range data[:min(len(data), 512)] {
			r.data[i], r.data[i+512] = c, c
		}
		binary.NativeEndian.PutUint32(r.info[offHead:], head)
		m := driver.Merger{Buffers: []driver.Buffer{r}}
		total := 0
		for {
			bytes, _ := m.Next()
			if bytes == nil {
				break
			}
			if total += len(bytes); total > 512 {
				t.Fatalf("%d bytes of a buffer of 512", total)
			}
			var ev event.Event
			_, _ = ev.Parse(bytes) // what is wrong with it is an error of its own
		}
	})
}

// TestChoice: what is asked of the module for a set of events.
func TestChoice(t *testing.T) {
	c := newChoice(spec.Current, drivertest.Set(t, "close,execve", spec.Current))
	if want := uint16(1<<pointSysExit | 1<<pointExec | 1<<pointProcExit); c.points&want != want || c.points>>pointSwitch&1 != 0 || c.points>>pointSignal&1 != 0 {
		t.Errorf("tracepoints %b", c.points)
	}
	for typ, want := range map[event.Type]fate{
		event.CloseX: report, event.ExecveX: report, event.ProcExitE: stateOnly, event.LseekX: leaveOut, event.DropE: report, event.CPUHotplugE: report,
	} {
		if c.fates[typ] != want {
			t.Errorf("%s: %d, want %d", typ, c.fates[typ], want)
		}
	}
	if len(c.calls) == 0 || len(c.calls) > 100 {
		t.Errorf("%d calls", len(c.calls))
	}
	if c := newChoice(spec.Current, event.Set{}); len(c.calls) == 0 || c.fates[event.CloseX] == report {
		t.Errorf("nothing: %d calls, close %d", len(c.calls), c.fates[event.CloseX])
	}
	if c := newChoice(spec.V036, drivertest.Set(t, "close", spec.V036)); c.points&1 == 0 {
		t.Errorf("edition 0.36 without enter events: %b", c.points)
	}
}

func TestVersion(t *testing.T) {
	if v := version(10<<44 | 1<<24 | 2); v.String() != "10.1.2" || v.major() != 10 {
		t.Errorf("%v", v)
	}
	if _, err := findLayout(8<<44|3, 2<<44); err == nil {
		t.Error("API 8 is known")
	}
	for _, l := range layouts {
		for _, name := range l.categories {
			if _, ok := categoryIndex[name]; !ok {
				t.Errorf("API %d counts %s, which nobody knows", l.api, name)
			}
		}
	}
}
