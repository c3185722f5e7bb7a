package ptrace

import (
	"bytes"
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	pageSize = 4096 // the smallest page of both machines; splitting reads finer than needed is harmless

	// firstRead is how much of a string is read at first: as cheap as a few
	// bytes, and enough for nearly all paths.
	firstRead = 256
)

// A memory reads one tracee's address space. The ladder, where a step is refused:
// process_vm_readv, the same by a thread with the tracee's ids, PTRACE_PEEKDATA.
type memory struct {
	tid int
	may *access
}

// read fills p from addr and returns how many bytes could be read: less than
// len(p) where the memory ends. It never fails otherwise.
func (m memory) read(addr uint64, p []byte) int {
	if len(p) == 0 || addr == 0 {
		return 0
	}
	if addr > ^uint64(0)-uint64(len(p)) {
		return 0
	}
	if m.may.refused {
		return m.readRefused(addr, p)
	}
	n, e := m.readvm(addr, p)
	if e == unix.EPERM || e == unix.ENOSYS {
		m.may.refused = true
		return m.readRefused(addr, p)
	}
	return n
}

// readRefused reads where we ourselves may not. What the other thread reads has a
// buffer of its own, so that p may live on the stack of whoever wants it.
func (m memory) readRefused(addr uint64, p []byte) (n int) {
	size := len(p)
	var got []byte
	e := m.may.ask(func() syscall.Errno {
		buf := make([]byte, size)
		n, e := m.readvm(addr, buf)
		got = buf[:n]
		return e
	})
	if denied(e) || e == unix.ENOSYS {
		return m.peek(addr, p)
	}
	return copy(p, got)
}

// readvm is process_vm_readv.
func (m memory) readvm(addr uint64, p []byte) (int, syscall.Errno) {
	// One element per page boundary crossed at the start: the kernel may give up
	// a whole element that it can't read to its end (process_vm_readv(2)).
	local := unix.Iovec{Base: &p[0], Len: uint64(len(p))}
	var remote [2]unix.RemoteIovec
	n := 1
	first := min(uint64(len(p)), pageSize-addr%pageSize)
	remote[0] = unix.RemoteIovec{Base: uintptr(addr), Len: int(first)}
	if rest := uint64(len(p)) - first; rest > 0 {
		remote[1] = unix.RemoteIovec{Base: uintptr(addr + first), Len: int(rest)}
		n = 2
	}
	got, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(m.tid),
		uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote[0])), uintptr(n), 0)
	if e != 0 {
		return 0, e
	}
	return int(got), 0
}

// peek reads word by word.
func (m memory) peek(addr uint64, p []byte) int {
	n := 0
	for n < len(p) {
		skip := (addr + uint64(n)) % 8
		word, e := peek(m.tid, addr+uint64(n)-skip)
		if e != 0 {
			break
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], word)
		n += copy(p[n:], b[skip:])
	}
	return n
}

// str reads the string at addr into p, its NUL included, and returns its length
// in bytes with the NUL; 0 if it can't be read. A longer string is cut, its last
// byte set to NUL.
func (m memory) str(addr uint64, p []byte) int {
	n := 0
	for n < len(p) {
		step := min(len(p)-n, firstRead)
		if n > 0 {
			step = len(p) - n
		}
		got := m.read(addr+uint64(n), p[n:n+step])
		if i := bytes.IndexByte(p[n:n+got], 0); i >= 0 {
			return n + i + 1
		}
		if got < step {
			return 0 // ends before its NUL
		}
		n += got
	}
	if n > 0 {
		p[n-1] = 0
	}
	return n
}

// word reads an unsigned integer of 4 or 8 bytes; ok is false if it can't.
func (m memory) word(addr uint64, size int) (v uint64, ok bool) {
	var b [8]byte
	if m.read(addr, b[:size]) != size {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[:]), true
}

// write changes the tracee's memory, word-aligned or not. Used to hide what we
// did to it, never to change what it does.
func (m memory) write(addr uint64, p []byte) syscall.Errno {
	local := unix.Iovec{Base: &p[0], Len: uint64(len(p))}
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(p)}
	_, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_WRITEV, uintptr(m.tid),
		uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	if e == unix.EPERM || e == unix.ENOSYS {
		return m.poke(addr, p)
	}
	return e
}

// poke writes word by word.
func (m memory) poke(addr uint64, p []byte) syscall.Errno {
	for n := 0; n < len(p); {
		skip := (addr + uint64(n)) % 8
		at := addr + uint64(n) - skip
		word, e := peek(m.tid, at)
		if e != 0 {
			return e
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], word)
		n += copy(b[skip:], p[n:])
		if e := ptrace(unix.PTRACE_POKEDATA, m.tid, uintptr(at), uintptr(binary.LittleEndian.Uint64(b[:]))); e != 0 {
			return e
		}
	}
	return 0
}
