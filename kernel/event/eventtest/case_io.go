package eventtest

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// allSnaplens are the least, the default and the most that is kept of data.
var allSnaplens = []int{0, defaultSnaplen, event.MaxParamLen}

var ioCases = []Case{
	{Name: "readwrite", Does: "reads and writes with one buffer", Run: readWriteCase, Snaplens: allSnaplens},
	{Name: "vectors", Does: "reads and writes with vectors", Run: vectorsCase, Snaplens: allSnaplens},
	{Name: "vectors/odd", Does: "vector arrays that are empty, huge or unreadable", Run: oddVectorsCase},
	{Name: "move", Does: "moves data between descriptors", Run: moveCase},
	{Name: "seek", Does: "lseek and getdents64", Run: seekCase},
	{Name: "process_vm", Does: "reads and writes its own memory as another's", Run: processVMCase, Snaplens: allSnaplens},
}

// file makes a file with some content and returns a descriptor.
func (p *Prog) file(name string, content []byte) int64 {
	fd := p.Must(p.Call(unix.SYS_OPENAT, atCWD, name, unix.O_CREAT|unix.O_RDWR|unix.O_TRUNC, 0o644))
	if len(content) > 0 {
		if _, err := unix.Pwrite(int(fd), content, 0); err != nil {
			p.Failf("fill %s: %v", name, err)
		}
	}
	return fd
}

// quiet runs f where events are not stated: in front of the marks' window.
func (p *Prog) quiet(f func()) {
	p.mark(markEnd)
	f()
	p.mark(markBegin)
}

// cut is what snaplen leaves of data; nil if that is nothing.
func (p *Prog) cut(b []byte) any {
	if b = b[:min(len(b), p.Snaplen)]; len(b) == 0 {
		return nil
	}
	return b
}

// pattern is n bytes that are not all alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func readWriteCase(p *Prog) {
	const high = 1 << 40 // what a call leaves in the upper half of a register
	big := pattern(70000)
	var fd, null int64
	p.quiet(func() {
		fd = p.file("data", big)
		null = p.Must(p.Call(unix.SYS_OPENAT, atCWD, "/dev/null", unix.O_RDWR, 0))
	})
	buf := p.Buf(80000)
	read := func(fd any, addr uintptr, size int, data any) int64 {
		return p.Do(event.ReadX, unix.SYS_READ, V{"data": data, "fd": s32(fd), "size": uint32(size)}, fd, addr, size)
	}
	write := func(fd any, addr any, size int, data any) int64 {
		return p.Do(event.WriteX, unix.SYS_WRITE, V{"data": data, "fd": s32(fd), "size": uint32(size)}, fd, addr, size)
	}
	read(fd, buf, 10, p.cut(big[:10]))
	read(fd|high, buf, 79, p.cut(big[10:89]))
	read(fd, buf, 80, p.cut(big[89:169]))
	read(fd, buf, 81, p.cut(big[169:250]))
	read(fd, buf, 0, nil)
	read(fd, buf, 80000, p.cut(big[250:]))
	read(fd, buf, 100, nil) // end of file
	p.Fails(read(-1, buf, 100, nil), unix.EBADF)
	p.Fails(read(1<<30, p.Bad(), 100, nil), unix.EBADF)
	p.Call(unix.SYS_LSEEK, fd, 0, 0)
	p.Fails(read(fd, p.Bad(), 100, nil), unix.EFAULT)
	read(null, buf, 100, nil)

	write(null, big[:5], 5, p.cut(big[:5]))
	write(null, big, 70000, p.cut(big))
	write(null, big, 0, nil)
	// A failing call shows what it was asked to write.
	p.Fails(write(-1, big[:100], 100, p.cut(big[:100])), unix.EBADF)
	p.Fails(write(fd, p.Bad(), 100, nil), unix.EFAULT)
	p.Fails(write(fd, nil, 100, nil), unix.EFAULT)
	// /dev/null takes bytes that no one can read.
	write(null, p.Bad(), 100, nil)
	write(null, p.Edge(big[:60]), 60, p.cut(big[:60]))
	if p.Snaplen > 60 {
		write(null, p.Edge(big[:60]), 61, nil)
	}

	pread := func(size int, pos uint64, data any, fd int64) int64 {
		return p.Do(event.PreadX, unix.SYS_PREAD64, V{"data": data, "fd": fd, "size": size, "pos": pos}, fd, buf, size, pos)
	}
	pread(10, 5, p.cut(big[5:15]), fd)
	pread(10, 1<<40, nil, fd)
	p.Fails(pread(10, 1<<63, nil, fd), unix.EINVAL)
	p.Fails(pread(10, 7, nil, -9), unix.EBADF)
	pwrite := func(b []byte, pos uint64, fd int64) int64 {
		return p.Do(event.PwriteX, unix.SYS_PWRITE64, V{
			"data": p.cut(b), "fd": fd, "size": len(b), "pos": pos,
		}, fd, b, len(b), pos)
	}
	pwrite(big[:200], 3, fd)
	p.Fails(pwrite(big[:200], 1<<63, fd), unix.EINVAL)
	p.Fails(pwrite(big[:20], 9, -9), unix.EBADF)
}

// s32 is how a descriptor argument is shown.
func s32(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(int32(v))
	case int64:
		return int64(int32(v))
	}
	panic("a descriptor is an int or int64")
}

// iov builds an array of struct iovec.
func (p *Prog) iov(pairs ...uintptr) uintptr { return p.Words(pairs...) }

func vectorsCase(p *Prog) {
	big := pattern(70000)
	var fd int64
	p.quiet(func() { fd = p.file("data", big) })
	one, two := p.Buf(50), p.Buf(66000)
	in := p.iov(one, 50, 0, 0, two, 66000)
	const sum = 66050
	p.Do(event.ReadvX, unix.SYS_READV, V{"size": sum, "data": p.cut(big[:sum]), "fd": fd}, fd, in, 3)
	p.Do(event.ReadvX, unix.SYS_READV, V{"size": 70000 - sum, "data": p.cut(big[sum:]), "fd": fd}, fd, in, 3)
	p.Do(event.ReadvX, unix.SYS_READV, V{"size": 0, "data": nil, "fd": fd}, fd, in, 3)
	p.Fails(p.Do(event.ReadvX, unix.SYS_READV, V{"size": 0, "data": nil, "fd": -1}, -1, in, 3), unix.EBADF)
	p.Do(event.PreadvX, unix.SYS_PREADV, V{"size": 50, "data": p.cut(big[7:57]), "fd": fd, "pos": 7}, fd, in, 1, 7, 0)
	p.Fails(p.Do(event.PreadvX, unix.SYS_PREADV, V{"size": 0, "data": nil, "fd": -5, "pos": 8}, -5, in, 1, 8, 0), unix.EBADF)

	out := p.iov(p.Bytes(big[:30]), 30, p.Bytes(big[30:]), 70000-30)
	p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": p.cut(big), "fd": fd, "size": 70000}, fd, out, 2)
	p.Fails(p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": p.cut(big), "fd": -1, "size": 70000}, -1, out, 2), unix.EBADF)
	p.Do(event.PwritevX, unix.SYS_PWRITEV, V{
		"data": p.cut(big[:30]), "fd": fd, "size": 30, "pos": 9,
	}, fd, out, 1, 9, 0)
	p.Fails(p.Do(event.PwritevX, unix.SYS_PWRITEV, V{
		"data": p.cut(big[:30]), "fd": -5, "size": 30, "pos": 9,
	}, -5, out, 1, 9, 0), unix.EBADF)

	// A pipe takes what it has room for: the data is cut to the result.
	var pipe [2]int
	p.quiet(func() {
		if err := unix.Pipe2(pipe[:], unix.O_NONBLOCK); err != nil {
			p.Failf("pipe: %v", err)
		}
		unix.FcntlInt(uintptr(pipe[1]), unix.F_SETPIPE_SZ, page)
	})
	p.Do(event.WritevX, unix.SYS_WRITEV, V{
		"data": p.cut(big[:page]), "fd": pipe[1], "size": 70000, "res": page,
	}, pipe[1], out, 2)
}

func oddVectorsCase(p *Prog) {
	var null, zero int64
	p.quiet(func() {
		null = p.Must(p.Call(unix.SYS_OPENAT, atCWD, "/dev/null", unix.O_RDWR, 0))
		zero = p.Must(p.Call(unix.SYS_OPENAT, atCWD, "/dev/zero", unix.O_RDWR, 0))
	})
	at := p.Bytes([]byte("x"))
	many := make([]uintptr, 0, 2*1025)
	for range 1025 {
		many = append(many, at, 1)
	}
	array := p.iov(many...)
	seen := min(1024, p.Limits.Iovecs)
	xs := bytes.Repeat([]byte("x"), seen)
	p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": p.cut(xs), "fd": null, "size": seen}, null, array, 1024)
	p.Do(event.ReadvX, unix.SYS_READV, V{
		"size": seen, "data": p.cut(make([]byte, seen)), "fd": zero,
	}, zero, array, 1024)
	copy(p.At(at, 1), "x")
	// More than UIO_MAXIOV is refused before any is read.
	p.Fails(p.Do(event.WritevX, unix.SYS_WRITEV, V{
		"data": OneOf(nil, p.cut(xs)), "fd": null, "size": OneOf(0, seen),
	}, null, array, 1025), unix.EINVAL)
	p.Fails(p.Do(event.ReadvX, unix.SYS_READV, V{"size": 0, "data": nil, "fd": zero}, zero, array, 1025), unix.EINVAL)
	p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": nil, "fd": null, "size": 0}, null, array, 0)
	p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": nil, "fd": null, "size": 0}, null, p.iov(at, 0, 0, 0), 2)
	for _, addr := range []uintptr{0, p.Bad(), p.Edge(make([]byte, 24))} {
		p.Fails(p.Do(event.WritevX, unix.SYS_WRITEV, V{"data": nil, "fd": null, "size": 0}, null, addr, 2), unix.EFAULT)
		r := p.Call(unix.SYS_READV, zero, addr, 2)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.ReadvX, V: V{"res": r, "size": 0, "data": nil, "fd": zero}, Drops: true})
	}
	// An array at the edge is read to its end.
	p.Do(event.WritevX, unix.SYS_WRITEV, V{
		"data": p.cut([]byte("xx")), "fd": null, "size": 2,
	}, null, p.Edge(p.At(p.iov(at, 1, at, 1), 32)), 2)
	// A buffer that can't be read ends the data.
	p.Do(event.WritevX, unix.SYS_WRITEV, V{
		"data": OneOf([]byte("x"), nil), "fd": null, "size": 21,
	}, null, p.iov(at, 1, p.Bad(), 20), 2)
}

func moveCase(p *Prog) {
	var in, out int64
	var pipe [2]int
	p.quiet(func() {
		in, out = p.file("in", pattern(1000)), p.file("out", nil)
		if err := unix.Pipe2(pipe[:], 0); err != nil {
			p.Failf("pipe: %v", err)
		}
	})
	off := p.Words(100)
	p.DoAs(event.SendfileX, unix.SYS_SENDFILE, V{"offset": 150, "out_fd": out, "in_fd": in, "size": 50},
		V{"offset": 100}, out, in, off, 50)
	p.Do(event.SendfileX, unix.SYS_SENDFILE, V{"offset": 0, "out_fd": out, "in_fd": in, "size": 50}, out, in, nil, 50)
	p.Fails(p.Do(event.SendfileX, unix.SYS_SENDFILE, V{
		"offset": 0, "out_fd": out, "in_fd": in, "size": 1 << 40,
	}, out, in, p.Bad(), 1<<40), unix.EFAULT)
	p.Fails(p.Do(event.SendfileX, unix.SYS_SENDFILE, V{
		"offset": 150, "out_fd": -1, "in_fd": -2, "size": 5,
	}, -1, -2, off, 5), unix.EBADF)

	p.Do(event.SpliceX, unix.SYS_SPLICE, V{
		"fd_in": in, "fd_out": pipe[1], "size": 64, "flags": Names("SPLICE_F_MOVE|SPLICE_F_NONBLOCK|SPLICE_F_MORE"),
	}, in, nil, pipe[1], nil, 64, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MORE)
	p.Fails(p.Do(event.SpliceX, unix.SYS_SPLICE, V{
		"fd_in": -1, "fd_out": -1, "size": 5, "flags": Names("SPLICE_F_GIFT"),
	}, -1, nil, -1, nil, 5, unix.SPLICE_F_GIFT), unix.EBADF)

	from, to := p.Words(10), p.Words(500)
	p.Do(event.CopyFileRangeX, unix.SYS_COPY_FILE_RANGE, V{
		"fdout": out, "offout": uint64(to), "fdin": in, "offin": uint64(from), "len": 20,
	}, in, from, out, to, 20, 0)
	p.Fails(p.Do(event.CopyFileRangeX, unix.SYS_COPY_FILE_RANGE, V{
		"fdout": -3, "offout": 0, "fdin": -4, "offin": 0, "len": 1,
	}, -4, nil, -3, nil, 1, 0), unix.EBADF)
}

func seekCase(p *Prog) {
	var fd, dir int64
	p.quiet(func() {
		fd = p.file("file", pattern(100))
		dir = p.Must(p.Call(unix.SYS_OPENAT, atCWD, ".", unix.O_RDONLY, 0))
	})
	seek := func(fd int64, offset int64, whence int, name any) int64 {
		return p.Do(event.LseekX, unix.SYS_LSEEK, V{"fd": fd, "offset": offset, "whence": name}, fd, offset, whence)
	}
	seek(fd, 7, unix.SEEK_SET, Names("SEEK_SET"))
	seek(fd, 7, unix.SEEK_CUR, Names("SEEK_CUR"))
	seek(fd, -3, unix.SEEK_END, Names("SEEK_END"))
	seek(fd, 0, unix.SEEK_DATA, 0)
	p.Fails(seek(fd, -1000, unix.SEEK_CUR, 1), unix.EINVAL)
	p.Fails(seek(fd, 0, 77, 0), unix.EINVAL)
	p.Fails(seek(-1, 0, 0, 0), unix.EBADF)

	buf := p.Buf(4096)
	p.Do(event.Getdents64X, unix.SYS_GETDENTS64, V{"fd": dir}, dir, buf, 4096)
	p.Do(event.Getdents64X, unix.SYS_GETDENTS64, V{"fd": dir}, dir, buf, 4096)
	p.Fails(p.Do(event.Getdents64X, unix.SYS_GETDENTS64, V{"fd": fd}, fd, buf, 4096), unix.ENOTDIR)
	p.Fails(p.Do(event.Getdents64X, unix.SYS_GETDENTS64, V{"fd": -1}, -1, buf, 4096), unix.EBADF)
}

func processVMCase(p *Prog) {
	data := pattern(300)
	local, remote := p.Buf(300), p.Bytes(data)
	do := func(t event.Type, nr uintptr, pid int64, l, nl, r, nr2 uintptr, shown any) int64 {
		return p.Do(t, nr, V{"pid": pid, "data": shown}, pid, l, nl, r, nr2, 0)
	}
	loc, rem := p.iov(local, 100, local+100, 200), p.iov(remote, 300)
	const rd, wr = unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV
	p.Must(do(event.ProcessVmReadvX, rd, p.PID, loc, 2, rem, 1, p.cut(data)))
	p.Must(do(event.ProcessVmWritevX, wr, p.PID, loc, 2, rem, 1, p.cut(data)))
	p.Fails(do(event.ProcessVmReadvX, rd, 1<<22+1, loc, 2, rem, 1, nil), unix.ESRCH)
	p.Fails(do(event.ProcessVmWritevX, wr, p.PID, loc, 2, p.iov(p.Bad(), 10), 1, nil), unix.EFAULT)
	p.Fails(do(event.ProcessVmReadvX, rd, p.PID, p.Bad(), 2, rem, 1, nil), unix.EFAULT)
	do(event.ProcessVmReadvX, rd, p.PID, loc, 2, rem, 0, nil)
	// Less than was asked for, where the remote memory ends.
	p.Must(do(event.ProcessVmReadvX, rd, p.PID, p.iov(local, 300), 1, p.iov(p.Edge(data[:150]), 150, p.Bad(), 100), 2,
		p.cut(data[:150])))
}
