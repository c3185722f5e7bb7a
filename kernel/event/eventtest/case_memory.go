package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var memoryCases = []Case{
	{Name: "memory", Does: "maps, protects, locks and unmaps", Run: memoryCase},
}

// sizes adds what the memory of the process must at least be, which no program
// knows exactly: KiB.
func sizes(v V) V {
	v["vm_size"], v["vm_rss"], v["vm_swap"] = Min(arenaSize>>10), Min(500), 0
	return v
}

func memoryCase(p *Prog) {
	const high = 7 << 32
	mmap := func(addr, length uint64, prot, flags int, protNames, flagNames any, fd int64, off uint64) int64 {
		return p.Do(event.MmapX, unix.SYS_MMAP, sizes(V{
			"addr": addr, "length": length, "prot": protNames, "flags": flagNames, "fd": s32(fd), "offset": off,
		}), addr, length, prot, flags, fd, off)
	}
	const anon, priv = unix.MAP_ANONYMOUS, unix.MAP_PRIVATE
	at := uint64(p.Must(mmap(0, 3*page, unix.PROT_READ|unix.PROT_WRITE, anon|priv, Names("PROT_READ|PROT_WRITE"),
		Names("MAP_PRIVATE|MAP_ANONYMOUS"), -1, 0)))
	p.Must(mmap(at, page, unix.PROT_NONE, anon|priv|unix.MAP_FIXED|unix.MAP_NORESERVE, 0,
		Names("MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE"), -1, 0))
	var fd int64
	p.quiet(func() { fd = p.file("file", pattern(2*page)) })
	p.Must(mmap(0, page, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED, Names("PROT_READ|PROT_EXEC"),
		Names("MAP_SHARED"), fd|high, page))
	p.Fails(mmap(0, page, unix.PROT_READ, priv, Names("PROT_READ"), Names("MAP_PRIVATE"), -1, 0), unix.EBADF)
	p.Fails(mmap(0, 0, unix.PROT_READ, anon|priv, Names("PROT_READ"), Names("MAP_PRIVATE|MAP_ANONYMOUS"), -1, 0), unix.EINVAL)
	p.Fails(mmap(1, page, unix.PROT_READ, priv, Names("PROT_READ"), Names("MAP_PRIVATE"), fd, 1), unix.EINVAL)

	mprotect := func(addr, length uint64, prot int, names any) int64 {
		return p.Do(event.MprotectX, unix.SYS_MPROTECT, V{"addr": addr, "length": length, "prot": names}, addr, length, prot)
	}
	p.Must(mprotect(at, page, unix.PROT_READ|unix.PROT_EXEC, Names("PROT_READ|PROT_EXEC")))
	p.Must(mprotect(at, page, unix.PROT_READ, Names("PROT_READ")))
	p.Fails(mprotect(at+1, page, 0, 0), unix.EINVAL)

	lock := func(t event.Type, nr uintptr, addr, length uint64) int64 {
		return p.Do(t, nr, V{"addr": addr, "len": length}, addr, length)
	}
	p.Must(lock(event.MlockX, unix.SYS_MLOCK, at, page))
	p.Must(lock(event.MunlockX, unix.SYS_MUNLOCK, at, page))
	p.Fails(lock(event.MlockX, unix.SYS_MLOCK, 1<<46, page), unix.ENOMEM)
	p.Fails(lock(event.MunlockX, unix.SYS_MUNLOCK, 1<<46, page), unix.ENOMEM)
	p.Must(p.Do(event.Mlock2X, unix.SYS_MLOCK2, V{"addr": at, "len": page, "flags": Names("MLOCK_ONFAULT")}, at, page, 1))
	p.Fails(p.Do(event.Mlock2X, unix.SYS_MLOCK2, V{"addr": at, "len": page, "flags": 0}, at, page, 8), unix.EINVAL)
	p.Fails(p.Do(event.MlockallX, unix.SYS_MLOCKALL, V{"flags": 0}, 0), unix.EINVAL)
	p.Fails(p.Do(event.MlockallX, unix.SYS_MLOCKALL, V{
		"flags": Names("MCL_CURRENT|MCL_FUTURE|MCL_ONFAULT"),
	}, 0xf), unix.EINVAL)
	p.Must(p.Do(event.MunlockallX, unix.SYS_MUNLOCKALL, V{}))

	munmap := func(addr, length uint64) int64 {
		return p.Do(event.MunmapX, unix.SYS_MUNMAP, sizes(V{"addr": addr, "length": length}), addr, length)
	}
	p.Must(munmap(at, 2*page))
	p.Fails(munmap(at+1, page), unix.EINVAL)
	p.Fails(munmap(at, 0), unix.EINVAL)

	brk := uint64(p.Call(unix.SYS_BRK, 0))
	p.State(S{Event: event.BrkX, V: sizes(V{"res": brk, "addr": 0})})
	p.Do(event.BrkX, unix.SYS_BRK, sizes(V{"res": brk + 100, "addr": brk + 100}), brk+100)
	// A brk that can't be had leaves it where it is.
	p.Do(event.BrkX, unix.SYS_BRK, sizes(V{"res": brk + 100, "addr": uint64(1 << 62)}), uint64(1<<62))
	p.Generic("madvise", at+2*page, page, unix.MADV_NORMAL)
	p.Generic("mremap", 0, 0, 0, 0, 0)
	p.Generic("msync", at+2*page, page, 0)
}
