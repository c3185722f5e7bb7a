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
)

// A ring is a BPF ring buffer, mapped (kernel/bpf/ringbuf.c): a page with the
// consumer's position, a page with the producer's, then the data twice in a row, so
// that every record can be read in one piece.
type ring struct {
	window
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
	r.mask = uint64(size) - 1
	page := os.Getpagesize()
	r.consumer, err = unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == nil {
		r.producer, err = unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("map a ring buffer of %d bytes: %w", size, err)
	}
	r.data = r.producer[page:]
	return r, nil
}

func (r *ring) view() *window { return &r.window }

func (r *ring) close() {
	if r.consumer != nil {
		unix.Munmap(r.consumer)
	}
	if r.producer != nil {
		unix.Munmap(r.producer)
	}
	r.m.Close()
}

// produced returns how far the kernel has come, records under way included.
func (r *ring) produced() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.producer[0])))
}

// free gives what was read back to the kernel.
func (r *ring) free() {
	if r.freed != r.pos {
		r.freed = r.pos
		atomic.StoreUint64((*uint64)(unsafe.Pointer(&r.consumer[0])), r.pos)
	}
}

// peek makes ts that of the next record, skipping discarded ones. It returns false if
// there is none before end.
func (r *ring) peek() bool {
	for r.pos < r.end {
		word := r.settled()
		if word&discardBit == 0 {
			r.ts = *(*uint64)(unsafe.Pointer(&r.data[r.pos&r.mask+kernelHead+recordHead]))
			return true
		}
		r.pos += recordSize(word)
	}
	return false
}

// settled returns the first word of the record at pos, once it is written. That takes
// long only if who writes it loses its CPU: since Linux 7, or as the CPU is virtual.
func (r *ring) settled() uint32 {
	at := (*uint32)(unsafe.Pointer(&r.data[r.pos&r.mask]))
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

// take returns the record at pos, which peek has seen, and moves behind it. The
// bytes are valid until free.
func (r *ring) take() []byte {
	at := r.pos & r.mask
	word := *(*uint32)(unsafe.Pointer(&r.data[at]))
	r.pos += recordSize(word)
	return r.data[at+kernelHead : at+kernelHead+uint64(word)]
}

// recordSize is the length of a record in the buffer.
func recordSize(word uint32) uint64 {
	return (uint64(word&^(busyBit|discardBit)) + kernelHead + 7) &^ 7
}
