package bpf

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPerfRing: samples come out as they went in, over the end of the buffer as well, and
// what is no sample is passed over.
func TestPerfRing(t *testing.T) {
	le := binary.NativeEndian
	page := os.Getpagesize()
	mem := make([]byte, 2*page)
	r := &perfRing{mem: mem, data: mem[page:], spill: make([]byte, 1<<16)}
	r.Mask = uint64(page) - 1
	var head uint64
	write := func(kind uint32, payload []byte) {
		size := (perfSampleHead + len(payload) + 7) &^ 7
		b := le.AppendUint32(nil, kind)
		b = le.AppendUint16(b, 0)
		b = le.AppendUint16(b, uint16(size))
		b = le.AppendUint32(b, uint32(size-perfSampleHead))
		b = append(b, payload...)
		for len(b) < size {
			b = append(b, 0)
		}
		for i, c := range b {
			r.data[(head+uint64(i))&r.Mask] = c
		}
		head += uint64(size)
		le.PutUint64(mem[perfHead:], head)
	}
	for i := range uint64(400) { // many times round
		payload := le.AppendUint64(nil, 1_000_000_000_000_000_000+i)
		for k := range 30 + i*7%200 {
			payload = append(payload, byte(i+k))
		}
		if i%5 == 0 {
			write(unix.PERF_RECORD_LOST, payload[:16])
		}
		write(unix.PERF_RECORD_SAMPLE, payload)
		r.End = r.Produced()
		if !r.Peek() || r.TS != 1_000_000_000_000_000_000+i {
			t.Fatalf("sample %d: time %d", i, r.TS)
		}
		if got := r.Take(); !bytes.HasPrefix(got, payload) || len(got)-len(payload) > 7 {
			t.Fatalf("sample %d: %x, want %x", i, got, payload)
		}
		if r.Peek() {
			t.Fatalf("after sample %d there is another", i)
		}
		r.Free()
		if tail := le.Uint64(mem[perfTail:]); tail != head {
			t.Fatalf("after sample %d the kernel may write from %d, want %d", i, tail, head)
		}
	}
}
