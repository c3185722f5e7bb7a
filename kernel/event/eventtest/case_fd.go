package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var fdCases = []Case{
	{Name: "descriptors", Does: "duplicates, closes and controls descriptors", Run: descriptorsCase},
	{Name: "newfds", Does: "makes descriptors that are no files", Run: newFDsCase},
	{Name: "io_uring", Does: "io_uring_setup, io_uring_enter, io_uring_register", Run: ringCase},
}

func descriptorsCase(p *Prog) {
	const high = 5 << 32
	var fd int64
	p.quiet(func() { fd = p.file("file", pattern(10)) })
	dup := func(old int64) int64 {
		return p.DoAs(event.DupX, unix.SYS_DUP, V{"oldfd": s32(old)}, V{"fd": old}, old)
	}
	dup3 := func(old, to int64, flags int, names any) int64 {
		return p.DoAs(event.Dup3X, unix.SYS_DUP3, V{"oldfd": s32(old), "newfd": s32(to), "flags": names}, V{"fd": old}, old, to, flags)
	}
	p.Must(dup(fd))
	p.Must(dup(fd | high))
	p.Fails(dup(-1), unix.EBADF)
	p.Must(dup3(fd, 100, 0, 0))
	p.Must(dup3(fd, 100, unix.O_CLOEXEC, Names("O_CLOEXEC")))
	p.Fails(dup3(fd, fd, 0, 0), unix.EINVAL)
	p.Fails(dup3(fd, 101, unix.O_NONBLOCK, 0), unix.EINVAL)
	p.Fails(dup3(fd, 1<<30, 0, 0), unix.EBADF)

	closeFD := func(fd int64) int64 {
		return p.Do(event.CloseX, unix.SYS_CLOSE, V{"fd": s32(fd)}, fd)
	}
	p.Must(closeFD(100))
	p.Fails(closeFD(100), unix.EBADF)
	p.Fails(closeFD(-1), unix.EBADF)
	p.Fails(closeFD(12345678), unix.EBADF)

	closeRange := func(first, last uint32, flags int, names any) int64 {
		return p.Do(event.CloseRangeX, unix.SYS_CLOSE_RANGE, V{"first": first, "last": last, "flags": names}, first, last, flags)
	}
	p.Must(dup3(fd, 200, 0, 0))
	if r := closeRange(200, 210, unix.CLOSE_RANGE_CLOEXEC, Names("CLOSE_RANGE_CLOEXEC")); r != -int64(unix.EINVAL) {
		p.Must(r) // Linux 5.11
	}
	p.Must(closeRange(200, ^uint32(0), unix.CLOSE_RANGE_UNSHARE, Names("CLOSE_RANGE_UNSHARE")))
	p.Fails(closeRange(3, 2, 0, 0), unix.EINVAL)
	p.Fails(closeRange(1, 2, 1<<30, 0), unix.EINVAL)
	p.Fails(closeFD(200), unix.EBADF)

	fcntl := func(fd int64, cmd int, name any, arg uint64) int64 {
		return p.Do(event.FcntlX, unix.SYS_FCNTL, V{"fd": s32(fd), "cmd": name, "arg": arg}, fd, cmd, arg)
	}
	p.Must(fcntl(fd, unix.F_DUPFD, Names("F_DUPFD"), 300))
	p.Must(fcntl(fd|high, unix.F_DUPFD_CLOEXEC, Names("F_DUPFD_CLOEXEC"), 300))
	p.Must(fcntl(fd, unix.F_GETFD, Names("F_GETFD"), 0))
	p.Must(fcntl(fd, unix.F_SETFD, Names("F_SETFD"), 1))
	p.Must(fcntl(fd, unix.F_GETFL, Names("F_GETFL"), 1<<63))
	p.Must(fcntl(fd, unix.F_SETFL, Names("F_SETFL"), unix.O_APPEND))
	p.Must(fcntl(fd, unix.F_GETOWN, Names("F_GETOWN"), 0))
	p.Must(fcntl(fd, unix.F_SETOWN, Names("F_SETOWN"), uint64(p.PID)))
	p.Must(fcntl(fd, unix.F_SETSIG, Names("F_SETSIG"), 0))
	p.Must(fcntl(fd, unix.F_GETSIG, Names("F_GETSIG"), 0))
	p.Must(fcntl(fd, unix.F_GETLEASE, Names("F_GETLEASE"), 0))
	lock := p.Buf(32) // struct flock: F_RDLCK over all
	p.Must(fcntl(fd, unix.F_GETLK, Names("F_GETLK"), uint64(lock)))
	p.Must(fcntl(fd, unix.F_SETLK, Names("F_SETLK"), uint64(lock)))
	p.Must(fcntl(fd, unix.F_SETLKW, Names("F_SETLKW"), uint64(lock)))
	p.Must(fcntl(fd, 36, Names("F_OFD_GETLK"), uint64(p.Buf(32))))
	p.Fails(fcntl(fd, unix.F_GETPIPE_SZ, Names("F_GETPIPE_SZ"), 0), unix.EBADF)
	p.Fails(fcntl(fd, unix.F_NOTIFY, Names("F_NOTIFY"), 1), unix.ENOTDIR)
	p.Fails(fcntl(fd, 777, 0, 5), unix.EINVAL)
	p.Fails(fcntl(-1, unix.F_GETFD, Names("F_GETFD"), 0), unix.EBADF)

	flock := func(fd int64, how int, names any) int64 {
		return p.Do(event.FlockX, unix.SYS_FLOCK, V{"fd": fd, "operation": names}, fd, how)
	}
	p.Must(flock(fd, unix.LOCK_EX|unix.LOCK_NB, Names("LOCK_EX|LOCK_NB")))
	p.Must(flock(fd, unix.LOCK_SH, Names("LOCK_SH")))
	p.Must(flock(fd, unix.LOCK_UN, Names("LOCK_UN")))
	p.Fails(flock(fd, 0, 0), unix.EINVAL)
	p.Fails(flock(-1, unix.LOCK_SH, Names("LOCK_SH")), unix.EBADF)

	ioctl := func(fd int64, request, arg uint64) int64 {
		return p.Do(event.IoctlX, unix.SYS_IOCTL, V{"fd": s32(fd), "request": request, "argument": arg}, fd, request, arg)
	}
	p.Must(ioctl(fd, 0x5451, 0))
	p.Fails(ioctl(fd, unix.TCGETS, uint64(p.Buf(64))), unix.ENOTTY)
	p.Fails(ioctl(-1, 0xffffffffffff, 1<<63), unix.EBADF)
}

func newFDsCase(p *Prog) {
	pair := p.Buf(8)
	pipe2 := func(flags int, names any) {
		r := p.Must(p.Call(unix.SYS_PIPE2, pair, flags))
		fd1, fd2 := p.U32(pair), p.U32(pair+4)
		_, ino := p.statFD(int64(fd1))
		p.State(S{Event: event.Pipe2X, V: V{"res": r, "fd1": fd1, "fd2": fd2, "ino": ino, "flags": names}})
	}
	pipe2(0, 0)
	pipe2(unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_DIRECT, Names("O_CLOEXEC|O_NONBLOCK|O_DIRECT"))
	p.Fails(p.Do(event.Pipe2X, unix.SYS_PIPE2, V{"fd1": -1, "fd2": -1, "ino": 0, "flags": 0}, nil, 0), unix.EFAULT)
	p.Fails(p.Do(event.Pipe2X, unix.SYS_PIPE2, V{"fd1": 7, "fd2": 8, "ino": 0, "flags": Names("O_NONBLOCK")},
		p.Bytes([]byte{7, 0, 0, 0, 8, 0, 0, 0}), unix.O_NONBLOCK|unix.O_TRUNC), unix.EINVAL)

	both := Names("O_NONBLOCK|O_CLOEXEC")
	efd := p.Must(p.Do(event.Eventfd2X, unix.SYS_EVENTFD2, V{
		"flags": both, "initval": 7,
	}, 7, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC))
	p.Fails(p.Do(event.Eventfd2X, unix.SYS_EVENTFD2, V{"flags": 0, "initval": uint64(1 << 63)}, uint64(1<<63), -1), unix.EINVAL)

	mask := p.Words(1 << 9)
	p.Must(p.Do(event.Signalfd4X, unix.SYS_SIGNALFD4, V{"flags": both, "fd": -1, "mask": 0},
		-1, mask, 8, unix.SFD_NONBLOCK|unix.SFD_CLOEXEC))
	p.Fails(p.Do(event.Signalfd4X, unix.SYS_SIGNALFD4, V{"flags": 0, "fd": efd, "mask": 0}, efd, mask, 8, 0), unix.EINVAL)

	none := V{"clockid": 0, "flags": 0}
	p.Must(p.DoAs(event.TimerfdCreateX, unix.SYS_TIMERFD_CREATE, V{"clockid": 1, "flags": 64}, none,
		unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC))
	p.Fails(p.DoAs(event.TimerfdCreateX, unix.SYS_TIMERFD_CREATE, V{"clockid": 99, "flags": 0}, none, 256+99, 0), unix.EINVAL)

	p.Must(p.Do(event.InotifyInit1X, unix.SYS_INOTIFY_INIT1, V{"flags": both}, unix.IN_NONBLOCK|unix.IN_CLOEXEC))
	p.Fails(p.Do(event.InotifyInit1X, unix.SYS_INOTIFY_INIT1, V{"flags": 0}, 1), unix.EINVAL)

	epfd := p.Must(p.Do(event.EpollCreate1X, unix.SYS_EPOLL_CREATE1, V{"flags": Names("EPOLL_CLOEXEC")}, unix.EPOLL_CLOEXEC))
	p.Fails(p.Do(event.EpollCreate1X, unix.SYS_EPOLL_CREATE1, V{"flags": 0}, 1), unix.EINVAL)
	p.Generic("epoll_ctl", epfd, unix.EPOLL_CTL_ADD, efd, p.Bytes(make([]byte, 12)))

	memfd := func(name, shown any, flags int, names any) int64 {
		return p.Do(event.MemfdCreateX, unix.SYS_MEMFD_CREATE, V{"name": shown, "flags": names}, name, flags)
	}
	p.Must(memfd("mem", "mem", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING, Names("MFD_CLOEXEC|MFD_ALLOW_SEALING")))
	p.Must(memfd("", "", 0, 0))
	p.Fails(memfd(nil, nil, 0, 0), unix.EFAULT)
	p.Fails(memfd("x", "x", 1<<20, 0), unix.EINVAL)

	if fd := p.Call(unix.SYS_PIDFD_OPEN, p.PID, 0); fd >= 0 {
		p.State(S{Event: event.PidfdOpenX, V: V{"fd": fd, "pid": p.PID, "flags": 0}})
		p.Must(p.Do(event.PidfdGetfdX, unix.SYS_PIDFD_GETFD, V{"pid_fd": fd, "target_fd": efd, "flags": 0}, fd, efd, 0))
		p.Fails(p.Do(event.PidfdGetfdX, unix.SYS_PIDFD_GETFD, V{
			"pid_fd": -2, "target_fd": -3, "flags": 0,
		}, -2, -3, 0), unix.EBADF)
		p.Fails(p.Do(event.PidfdGetfdX, unix.SYS_PIDFD_GETFD, V{
			"pid_fd": fd, "target_fd": 0, "flags": uint32(0x80000001),
		}, fd, 0, 0x80000001), unix.EINVAL)
		p.Fails(p.Do(event.PidfdOpenX, unix.SYS_PIDFD_OPEN, V{
			"pid": 1<<22 + 1, "flags": Names("PIDFD_NONBLOCK"),
		}, 1<<22+1, unix.O_NONBLOCK), unix.ESRCH)
	}
	p.Do(event.UserfaultfdX, unix.SYS_USERFAULTFD, V{"flags": unix.O_CLOEXEC | 1}, unix.O_CLOEXEC|1)
	p.Fails(p.Do(event.UserfaultfdX, unix.SYS_USERFAULTFD, V{"flags": uint32(0x40000000)}, 0x40000000), unix.EINVAL)

	// BPF_MAP_CREATE: type, key, value, entries.
	attr := make([]byte, 72)
	le.PutUint32(attr, 2)
	le.PutUint32(attr[4:], 4)
	le.PutUint32(attr[8:], 8)
	le.PutUint32(attr[12:], 1)
	p.Do(event.BpfX, unix.SYS_BPF, V{"cmd": 0}, 0, attr, len(attr))
	r := p.Call(unix.SYS_BPF, -1, attr, len(attr))
	p.State(S{Event: event.BpfX, V: V{"fd": r, "cmd": ^uint32(0)}, Enter: V{"cmd": -1}})
}

func ringCase(p *Prog) {
	params := p.Buf(120)
	const clamp, submitAll = 1 << 4, 1 << 7 // IORING_SETUP_*
	le.PutUint32(p.At(params+8, 4), clamp)
	r := p.Call(unix.SYS_IO_URING_SETUP, 5, params)
	if r < 0 {
		p.Skip("no io_uring here")
	}
	features := p.U32(params + 20)
	p.State(S{Event: event.IOUringSetupX, V: V{
		"res": r, "entries": 5, "sq_entries": 8, "cq_entries": 16, "flags": Names("IORING_SETUP_CLAMP"),
		"sq_thread_cpu": 0, "sq_thread_idle": 0, "features": int64(features & 0x7ff),
	}})
	zero := V{"sq_entries": 0, "cq_entries": 0, "flags": 0, "sq_thread_cpu": 0, "sq_thread_idle": 0, "features": 0}
	for _, addr := range []uintptr{0, p.Bad()} {
		v := V{"entries": 9}
		for k, x := range zero {
			v[k] = x
		}
		p.Fails(p.Do(event.IOUringSetupX, unix.SYS_IO_URING_SETUP, v, 9, addr), unix.EFAULT)
	}
	sig := p.Words(0)
	p.Do(event.IOUringEnterX, unix.SYS_IO_URING_ENTER, V{
		"fd": r, "to_submit": 0, "min_complete": 0, "flags": Names("IORING_ENTER_GETEVENTS"), "sig": uint32(sig),
	}, r, 0, 0, 1, sig, 8)
	p.Fails(p.Do(event.IOUringEnterX, unix.SYS_IO_URING_ENTER, V{
		"fd": -1, "to_submit": 1, "min_complete": 2, "flags": 0, "sig": 0,
	}, -1, 1, 2, 0, nil, 0), unix.EBADF)
	probe := p.Buf(16 + 8*64)
	p.Do(event.IOUringRegisterX, unix.SYS_IO_URING_REGISTER, V{
		"fd": r, "opcode": Names("IORING_REGISTER_PROBE"), "arg": uint64(probe), "nr_args": 64,
	}, r, 8, probe, 64)
	p.Fails(p.Do(event.IOUringRegisterX, unix.SYS_IO_URING_REGISTER, V{
		"fd": -2, "opcode": Names("IORING_UNREGISTER_FILES"), "arg": 0, "nr_args": 0,
	}, -2, 3, nil, 0), unix.EBADF)
}
