package kmod

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
)

// A ring is the buffer of one CPU, mapped: a page of state (struct ring_info), and the
// data twice in a row, so that every event can be read in one piece. In the page
// positions are offsets; those here count bytes and only grow.
type ring struct {
	driver.Window
	cpu  int
	fd   int
	info []byte
	data []byte
	err  error // the buffer holds what is no event
}

const (
	headerSize = 26 // bytes of an event's header
	offLength  = 16 // in it: bytes of the event
)

// newRing opens and maps the device of a CPU, on the thread that is to be the reader.
func newRing(name string, cpu, size int) (*ring, error) {
	path := fmt.Sprintf("/dev/%s%d", name, cpu)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_SYNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &ring{cpu: cpu, fd: fd, Window: driver.Window{Mask: uint64(size) - 1}}, nil
}

// mmap maps the buffer. What is in it from before is passed over.
func (r *ring) mmap() (err error) {
	if r.data, err = unix.Mmap(r.fd, 0, 2*int(r.Mask+1), unix.PROT_READ, unix.MAP_SHARED); err == nil {
		r.info, err = unix.Mmap(r.fd, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		return fmt.Errorf("map the buffer of CPU %d, %d bytes: %w", r.cpu, r.Mask+1, err)
	}
	r.Pos = uint64(r.load32(offHead))
	r.Freed = r.Pos
	atomic.StoreUint32(r.word(offTail), uint32(r.Pos))
	return nil
}

func (r *ring) Close() {
	if r.info != nil {
		unix.Munmap(r.info)
	}
	if r.data != nil {
		unix.Munmap(r.data)
	}
	unix.Close(r.fd)
}

func (r *ring) word(off int) *uint32  { return (*uint32)(unsafe.Pointer(&r.info[off])) }
func (r *ring) load32(off int) uint32 { return atomic.LoadUint32(r.word(off)) }
func (r *ring) counter(off int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.info[off])))
}
func (r *ring) u32At(at uint64) uint32  { return *(*uint32)(unsafe.Pointer(&r.data[at])) }
func (r *ring) timeAt(at uint64) uint64 { return *(*uint64)(unsafe.Pointer(&r.data[at])) }

// Produced returns how far the module has come.
func (r *ring) Produced() uint64 {
	return r.Freed + (uint64(r.load32(offHead))-r.Freed)&r.Mask
}

// Free gives what was read back to the module.
func (r *ring) Free() {
	if r.Freed != r.Pos {
		r.Freed = r.Pos
		atomic.StoreUint32(r.word(offTail), uint32(r.Pos&r.Mask))
	}
}

// Peek makes TS that of the next event. It returns false if there is none before End, or
// what is there is none.
func (r *ring) Peek() bool {
	if r.Pos >= r.End || r.err != nil {
		return false
	}
	left := r.End - r.Pos
	if n := uint64(r.u32At(r.Pos&r.Mask + offLength)); left < headerSize || n < headerSize || n > left {
		r.err = fmt.Errorf("the buffer of CPU %d holds what is no event, of %d bytes", r.cpu, n)
		return false
	}
	r.TS = r.timeAt(r.Pos & r.Mask)
	return true
}

// Take returns the event at Pos, which Peek has seen, and moves behind it. The bytes
// are valid until Free.
func (r *ring) Take() []byte {
	at := r.Pos & r.Mask
	n := uint64(r.u32At(at + offLength))
	r.Pos += n
	return r.data[at : at+n]
}

// counters reads what the module counts.
func (r *ring) counters(l *layout) (c driver.Counters) {
	c.Events, c.NoRoom = r.counter(offEvents), r.counter(offNoRoom)
	off := offCategories
	for _, name := range l.categories {
		c.ByCategory[categoryIndex[name]] = r.counter(off)
		off += 8
	}
	c.Unreadable, c.Preempted = r.counter(off), r.counter(off+8)
	return c
}
