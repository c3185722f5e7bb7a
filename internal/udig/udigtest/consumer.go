// Package udigtest reads the ring of package udig as libscap's udig engine does, for
// tests and benchmarks.
package udigtest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// statusSize is the size of the status behind the ring info: bytes.
const statusSize = 80

// A Consumer is the reader of a ring.
type Consumer struct {
	Ring, Descs []byte // the segments
	info        int
}

// Open maps the segments in dir, which a producer has made, and begins to capture.
func Open(dir string) (*Consumer, error) {
	ring, err := mapped(filepath.Join(dir, "udig_buf"))
	if err != nil {
		return nil, err
	}
	descs, err := mapped(filepath.Join(dir, "udig_descs"))
	if err != nil {
		return nil, err
	}
	c := &Consumer{Ring: ring, Descs: descs, info: len(descs) - statusSize}
	atomic.StoreUint32(c.word(0), 0)
	atomic.StoreUint32(c.word(4), 0)
	if !atomic.CompareAndSwapInt32(c.Status(12), 0, int32(os.Getpid())) {
		return nil, fmt.Errorf("process %d reads the ring", *c.Status(12))
	}
	*c.Status(16) = 0
	return c, nil
}

func mapped(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (c *Consumer) word(off int) *uint32 { return (*uint32)(unsafe.Pointer(&c.Descs[off])) }

// Counter returns a counter of the ring info, by its offset.
func (c *Consumer) Counter(off int) *uint64 { return (*uint64)(unsafe.Pointer(&c.Descs[off])) }

// Head returns the word that producers write, Tail that of the consumer.
func (c *Consumer) Head() *uint32 { return c.word(0) }

// Tail returns the word that the consumer writes.
func (c *Consumer) Tail() *uint32 { return c.word(4) }

// Status returns a word of the status, by its offset.
func (c *Consumer) Status(off int) *int32 { return (*int32)(unsafe.Pointer(&c.Descs[c.info+off])) }

// Lock returns the producers' lock.
func (c *Consumer) Lock() *uint64 { return (*uint64)(unsafe.Pointer(&c.Descs[c.info])) }

// Read calls f with each event that is in the ring and returns how many there were.
func (c *Consumer) Read(f func(ev *event.Event)) (n int, err error) {
	size := uint32(len(c.Ring))
	head, tail := atomic.LoadUint32(c.Head()), atomic.LoadUint32(c.Tail())
	var ev event.Event
	var wrapped []byte
	for tail != head {
		b := c.Ring[tail:]
		if used := (head - tail) & (size - 1); uint32(len(b)) < used { // runs over the end
			wrapped = append(append(wrapped[:0], b...), c.Ring[:head]...)
			for off := 0; off < len(wrapped); n++ {
				k, err := ev.Parse(wrapped[off:])
				if err != nil {
					return n, err
				}
				f(&ev)
				off += k
			}
			tail = head
			break
		} else {
			b = b[:used]
		}
		k, err := ev.Parse(b)
		if err != nil {
			return n, err
		}
		f(&ev)
		n++
		tail = (tail + uint32(k)) & (size - 1)
	}
	atomic.StoreUint32(c.Tail(), tail)
	return n, nil
}

// Close ends the capture.
func (c *Consumer) Close() {
	atomic.StoreInt32(c.Status(12), 0)
	_ = unix.Munmap(c.Ring)
	_ = unix.Munmap(c.Descs)
}
