package eventtest

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// An arena is memory for what calls are given. It is mapped before a case begins
// and never freed, so taking some of it is no system call.
type arena struct {
	mem  []byte
	next int
}

const (
	arenaSize = 64 << 20
	page      = 4096
)

func newArena() arena {
	mem, err := unix.Mmap(-1, 0, arenaSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		panic(err)
	}
	// The last two pages are kept: one that can't be read, one that is left for
	// values in front of it.
	if err := unix.Mprotect(mem[arenaSize-page:], unix.PROT_NONE); err != nil {
		panic(err)
	}
	return arena{mem: mem}
}

// Buf returns n zeroed bytes, aligned to 16.
func (a *arena) Buf(n int) uintptr {
	at := a.next
	a.next += (n + 15) &^ 15
	if a.next > arenaSize-2*page {
		panic("the arena is full")
	}
	return uintptr(unsafe.Pointer(&a.mem[at]))
}

// Bytes returns a copy of b, Str one of s with a NUL behind it.
func (a *arena) Bytes(b []byte) uintptr {
	at := a.Buf(len(b))
	copy(a.At(at, len(b)), b)
	return at
}

func (a *arena) Str(s string) uintptr { return a.Bytes(append([]byte(s), 0)) }

// At returns n bytes of the arena.
func (a *arena) At(addr uintptr, n int) []byte {
	off := int(addr - uintptr(unsafe.Pointer(&a.mem[0])))
	return a.mem[off : off+n]
}

// Edge returns a copy of b that ends where readable memory ends. There is one at
// a time.
func (a *arena) Edge(b []byte) uintptr {
	at := arenaSize - page - len(b)
	copy(a.mem[at:], b)
	return uintptr(unsafe.Pointer(&a.mem[at]))
}

// Bad is an address that can't be read.
func (a *arena) Bad() uintptr { return uintptr(unsafe.Pointer(&a.mem[arenaSize-page])) + 64 }

// Words returns an array of 64-bit integers: pointers, most of the time.
func (a *arena) Words(v ...uintptr) uintptr {
	var b []byte
	for _, x := range v {
		b = le.AppendUint64(b, uint64(x))
	}
	return a.Bytes(b)
}

// U32 reads 32 bits, U64 64 bits of the arena.
func (a *arena) U32(addr uintptr) uint32 { return le.Uint32(a.At(addr, 4)) }
func (a *arena) U64(addr uintptr) uint64 { return le.Uint64(a.At(addr, 8)) }
