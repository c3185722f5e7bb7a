package bpf

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
)

// A ring is a BPF ring buffer, mapped (kernel/bpf/ringbuf.c): a page with the
// consumer's position, a page with the producer's, then the data twice in a row, so
// that every record can be read in one piece.
type ring struct {
	driver.Window
	m        *ebpf.Map
	consumer []byte
	producer []byte
	data     []byte
}

// Records: 8 bytes of the kernel's (length with two flags, and an offset), the head
// of modern/call.h (struct record_head), the event.
const (
	kernelHead = 8
	recordHead = 4
	busyBit    = 1 << 31 // BPF_RINGBUF_BUSY_BIT: being written
	discardBit = 1 << 30 // BPF_RINGBUF_DISCARD_BIT: to be skipped
)

// newRing makes and maps a buffer of size bytes.
func newRing(size int) (*ring, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: uint32(size), Name: "ring"})
	if err != nil {
		return nil, fmt.Errorf("make a ring buffer of %d bytes: %w", size, err)
	}
	r := &ring{m: m}
	r.Mask = uint64(size) - 1
	page := os.Getpagesize()
	r.consumer, err = unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == nil {
		r.producer, err = unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("map a ring buffer of %d bytes: %w", size, err)
	}
	r.data = r.producer[page:]
	return r, nil
}

func (r *ring) Close() {
	if r.consumer != nil {
		unix.Munmap(r.consumer)
	}
	if r.producer != nil {
		unix.Munmap(r.producer)
	}
	r.m.Close()
}

// Produced returns how far the kernel has come, records under way included.
func (r *ring) Produced() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.producer[0])))
}

// Free gives what was read back to the kernel.
func (r *ring) Free() {
	if r.Freed != r.Pos {
		r.Freed = r.Pos
		atomic.StoreUint64((*uint64)(unsafe.Pointer(&r.consumer[0])), r.Pos)
	}
}

// Peek makes TS that of the next record, skipping discarded ones. It returns false if
// there is none before End.
func (r *ring) Peek() bool {
	for r.Pos < r.End {
		word := r.settled()
		if word&discardBit == 0 {
			r.TS = *(*uint64)(unsafe.Pointer(&r.data[r.Pos&r.Mask+kernelHead+recordHead]))
			return true
		}
		r.Pos += recordSize(word)
	}
	return false
}

// settled returns the first word of the record at Pos, once it is written. That takes
// long only if who writes it loses its CPU: since Linux 7, or as the CPU is virtual.
func (r *ring) settled() uint32 {
	at := (*uint32)(unsafe.Pointer(&r.data[r.Pos&r.Mask]))
	for i := 0; ; i++ {
		word := atomic.LoadUint32(at)
		switch {
		case word&busyBit == 0:
			return word
		case i > 1000:
			time.Sleep(50 * time.Microsecond)
		case i > 100:
			runtime.Gosched()
		}
	}
}

// Take returns the record at Pos, which Peek has seen, and moves behind it. The
// bytes are valid until Free.
func (r *ring) Take() []byte {
	at := r.Pos & r.Mask
	word := *(*uint32)(unsafe.Pointer(&r.data[at]))
	r.Pos += recordSize(word)
	return r.data[at+kernelHead : at+kernelHead+uint64(word)]
}

// recordSize is the length of a record in the buffer.
func recordSize(word uint32) uint64 {
	return (uint64(word&^(busyBit|discardBit)) + kernelHead + 7) &^ 7
}
