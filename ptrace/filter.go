package ptrace

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// Seccomp return values (linux/seccomp.h).
const (
	retTrace = 0x7ff00000
	retAllow = 0x7fff0000
)

// Offsets in struct seccomp_data.
const (
	offNumber = 0
	offArch   = 4
)

// filterProgram returns a seccomp program that stops the wanted calls of every
// ABI of the machine and lets the others pass. It looks at number and
// architecture alone: then the kernel remembers which calls always pass
// (kernel/seccomp.c:seccomp_cache_prepare) and they cost next to nothing.
func filterProgram(tables *tables, want *event.Set) []unix.SockFilter {
	native := search(boundaries(tables.native, want), retAllow)
	prog := []unix.SockFilter{load(offArch)}
	if nativeArch != unix.AUDIT_ARCH_X86_64 {
		prog = append(prog, jump(unix.BPF_JEQ, nativeArch, 1, 0), ret(retAllow), load(offNumber))
		return append(prog, native...)
	}
	i386 := search(boundaries(withSocketcall(tables.compat, want), want), retAllow)
	x32 := search(boundaries(tables.x32, want), retAllow)
	prog = append(prog,
		jump(unix.BPF_JEQ, unix.AUDIT_ARCH_I386, 0, 1), ahead(3), // to i386
		jump(unix.BPF_JEQ, nativeArch, 1, 0), ret(retAllow),
		ahead(len(i386)+1), // to x86_64
		load(offNumber),
	)
	prog = append(prog, i386...)
	prog = append(prog, load(offNumber),
		jump(unix.BPF_JGE, x32Bit, 0, 1), ahead(len(native)))
	prog = append(prog, native...)
	prog = append(prog, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: ^uint32(x32Bit)})
	return append(prog, x32...)
}

// filterStops reports whether a filter can be relied on to stop calls. gVisor takes one
// that returns SECCOMP_RET_TRACE and then fails the call of execve with ENOSYS; unlike
// Linux since 4.14 it does not know the question (seccomp(2), SECCOMP_GET_ACTION_AVAIL).
// A container's profile that refuses the question says nothing.
func filterStops() bool {
	action := uint32(retTrace)
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return e != unix.EINVAL && e != unix.EOPNOTSUPP
}

// boundaries returns the numbers at which wanting starts or stops, ascending.
func boundaries(t *event.Syscalls, want *event.Set) []uint32 {
	var out []uint32
	in := false
	for nr, sc := range t {
		if w := sc != nil && want.Has(sc.SC); w != in {
			out = append(out, uint32(nr))
			in = w
		}
	}
	if in {
		out = append(out, uint32(len(t)))
	}
	return out
}

// search returns a binary search for the interval that the accumulator is in.
// Below the first boundary the answer is below, and it changes at each.
func search(bounds []uint32, below uint32) []unix.SockFilter {
	if len(bounds) == 0 {
		return []unix.SockFilter{ret(below)}
	}
	mid := len(bounds) / 2
	above := below
	if mid%2 == 0 {
		above ^= retTrace ^ retAllow
	}
	left, right := search(bounds[:mid], below), search(bounds[mid+1:], above)
	node := []unix.SockFilter{jump(unix.BPF_JGE, bounds[mid], 0, 1), ahead(len(left))}
	if len(left) <= 0xff { // conditional jumps reach no further
		node = []unix.SockFilter{jump(unix.BPF_JGE, bounds[mid], uint8(len(left)), 0)}
	}
	return slices.Concat(node, left, right)
}

func load(off uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
}

func jump(op uint16, k uint32, t, f uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, Jt: t, Jf: f, K: k}
}

func ahead(n int) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(n)}
}

func ret(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
}
