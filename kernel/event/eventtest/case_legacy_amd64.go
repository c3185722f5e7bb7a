package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// legacyCases: calls that newer machines do without.
var legacyCases = []Case{
	{Name: "legacy/names", Does: "names and metadata without directories", Run: oldNamesCase},
	{Name: "legacy/fds", Does: "descriptors without flags", Run: oldFDsCase},
	{Name: "legacy/poll", Does: "poll, select, epoll_wait", Run: pollCase},
}

func oldNamesCase(p *Prog) {
	one := func(t event.Type, nr uintptr, field string, path, shown any, more ...any) int64 {
		return p.Do(t, nr, V{field: shown}, append([]any{path}, more...)...)
	}
	mkdir := func(path, shown any, mode int) int64 {
		return p.Do(event.MkdirX, unix.SYS_MKDIR, V{"path": shown, "mode": mode}, path, mode)
	}
	p.Must(mkdir("d", "d", 0o1777))
	p.Fails(mkdir("d", "d", 0o177777), unix.EEXIST)
	p.Fails(mkdir(p.Bad(), nil, 0), unix.EFAULT)
	p.Must(one(event.RmdirX, unix.SYS_RMDIR, "path", "d", "d"))
	p.Fails(one(event.RmdirX, unix.SYS_RMDIR, "path", "", ""), unix.ENOENT)

	mknod := func(path string, mode int, shown any, dev, encoded uint32) int64 {
		return p.Do(event.MknodX, unix.SYS_MKNOD, V{"path": path, "mode": shown, "dev": encoded}, path, mode, dev)
	}
	p.Must(mknod("f", 0o644, Names("S_IFREG|S_IRUSR|S_IWUSR|S_IRGRP|S_IROTH"), 0, 0))
	p.Must(mknod("p", unix.S_IFIFO|0o600, Names("S_IFIFO|S_IRUSR|S_IWUSR"), 0, 0))
	p.Fails(mknod("none/b", unix.S_IFBLK|0o600, Names("S_IFBLK|S_IRUSR|S_IWUSR"), 0x801, 0x800001), unix.ENOENT)

	st := p.Buf(256)
	p.Must(one(event.StatX, unix.SYS_STAT, "path", "f", "f", st))
	p.Fails(one(event.StatX, unix.SYS_STAT, "path", nil, nil, st), unix.EFAULT)
	p.Must(one(event.LstatX, unix.SYS_LSTAT, "path", "f", "f", st))
	p.Fails(one(event.LstatX, unix.SYS_LSTAT, "path", "none", "none", st), unix.ENOENT)
	access := func(path string, mode int, names any) int64 {
		return p.Do(event.AccessX, unix.SYS_ACCESS, V{"name": path, "mode": names}, path, mode)
	}
	p.Must(access("f", unix.F_OK, 0))
	p.Must(access("f", unix.R_OK|unix.W_OK, Names("R_OK|W_OK")))
	p.Fails(access("none", unix.X_OK, Names("X_OK")), unix.ENOENT)
	p.Fails(access("f", 64, 0), unix.EINVAL)

	two := func(t event.Type, nr uintptr, a, b string, from, to any) int64 {
		return p.Do(t, nr, V{a: from, b: to}, from, to)
	}
	p.Must(two(event.LinkX, unix.SYS_LINK, "oldpath", "newpath", "f", "g"))
	p.Fails(two(event.LinkX, unix.SYS_LINK, "oldpath", "newpath", nil, "g"), unix.EFAULT)
	p.Must(two(event.SymlinkX, unix.SYS_SYMLINK, "target", "linkpath", "/x/y", "s"))
	p.Fails(two(event.SymlinkX, unix.SYS_SYMLINK, "target", "linkpath", "", "s"), unix.ENOENT)
	p.Must(two(event.RenameX, unix.SYS_RENAME, "oldpath", "newpath", "g", "h"))
	p.Fails(two(event.RenameX, unix.SYS_RENAME, "oldpath", "newpath", "g", nil), unix.EFAULT)

	chmod := func(path string, mode, shown int) int64 {
		return p.Do(event.ChmodX, unix.SYS_CHMOD, V{"filename": path, "mode": shown}, path, mode)
	}
	p.Must(chmod("h", 0o4755, 0o4755))
	p.Fails(chmod("none", 0o170000|0o7, 7), unix.ENOENT)
	chown := func(t event.Type, nr uintptr, path string, uid, gid int64) int64 {
		return p.Do(t, nr, V{"path": path, "uid": uint32(uid), "gid": uint32(gid)}, path, uid, gid)
	}
	p.Must(chown(event.ChownX, unix.SYS_CHOWN, "h", -1, -1))
	p.Fails(chown(event.ChownX, unix.SYS_CHOWN, "none", 3, 4), unix.ENOENT)
	p.Must(chown(event.LchownX, unix.SYS_LCHOWN, "s", -1, -1))
	p.Fails(chown(event.LchownX, unix.SYS_LCHOWN, "none", 5, 6), unix.ENOENT)
	p.Must(one(event.UnlinkX, unix.SYS_UNLINK, "path", "h", "h"))
	p.Fails(one(event.UnlinkX, unix.SYS_UNLINK, "path", "h", "h"), unix.ENOENT)

	p.Generic("readlink", "s", st, 10)
	p.Generic("utime", "f", nil)
	p.Generic("utimes", "f", nil)
	p.Generic("time", nil)
	p.Generic("alarm", 0)
	p.Generic("getpgrp")
	dir := p.Must(p.Call(unix.SYS_OPENAT, atCWD, ".", unix.O_RDONLY, 0))
	p.Must(p.Do(event.GetdentsX, unix.SYS_GETDENTS, V{"fd": dir}, dir, p.Buf(1024), 1024))
	p.Fails(p.Do(event.GetdentsX, unix.SYS_GETDENTS, V{"fd": -1}, -1, p.Buf(1024), 1024), unix.EBADF)
}

func oldFDsCase(p *Prog) {
	const high = 9 << 32
	var fd int64
	p.quiet(func() { fd = p.file("file", nil) })
	dup2 := func(old, to int64) int64 {
		return p.DoAs(event.Dup2X, unix.SYS_DUP2, V{"oldfd": s32(old), "newfd": s32(to)}, V{"fd": old}, old, to)
	}
	p.Must(dup2(fd, 60))
	p.Must(dup2(fd|high, fd|high))
	p.Fails(dup2(-1, 60), unix.EBADF)
	pair := p.Buf(8)
	r := p.Must(p.Call(unix.SYS_PIPE, pair))
	_, ino := p.statFD(int64(p.U32(pair)))
	p.State(S{Event: event.PipeX, V: V{"res": r, "fd1": p.U32(pair), "fd2": p.U32(pair + 4), "ino": ino}})
	p.Fails(p.Do(event.PipeX, unix.SYS_PIPE, V{"fd1": -1, "fd2": -1, "ino": 0}, p.Bad()), unix.EFAULT)
	p.Must(p.Do(event.EventfdX, unix.SYS_EVENTFD, V{"initval": 5, "flags": 0}, 5))
	none := V{"fd": -1, "mask": 0, "flags": 0}
	p.Must(p.Do(event.SignalfdX, unix.SYS_SIGNALFD, none, -1, p.Words(1<<9), 8))
	p.Fails(p.Do(event.SignalfdX, unix.SYS_SIGNALFD, V{"fd": fd, "mask": 0, "flags": 0}, fd, p.Words(1), 3), unix.EINVAL)
	p.Must(p.Do(event.InotifyInitX, unix.SYS_INOTIFY_INIT, V{"flags": 0}))
	p.Must(p.Do(event.EpollCreateX, unix.SYS_EPOLL_CREATE, V{"size": 77}, 77))
	p.Fails(p.Do(event.EpollCreateX, unix.SYS_EPOLL_CREATE, V{"size": -1}, -1), unix.EINVAL)
}

func pollCase(p *Prog) {
	set := p.pollSet()
	poll := func(fds any, n any, timeout int64, before, after any) int64 {
		return p.DoAs(event.PollX, unix.SYS_POLL, V{"fds": after, "timeout": timeout}, V{"fds": before}, fds, n, timeout)
	}
	before, after := fdlist(set, false), p.shownAfter(set)
	p.Must(poll(pollfds(set), len(set), -1, before, after))
	p.Must(poll(pollfds(set), 9<<32|len(set), 7, before, after))
	empty := []byte{0, 0}
	p.Must(poll(nil, 0, 0, empty, empty))
	p.Fails(poll(p.Bad(), 3, 0, empty, empty), unix.EFAULT)
	p.Fails(poll(p.Edge(pollfds(set[:1])), 2, 0, empty, empty), unix.EFAULT)
	one := polled{int32(-1), 1, 0, 1, 0}
	p.Must(poll(p.Edge(pollfds([]polled{one})), 1, 0, fdlist([]polled{one}, false), p.shownAfter([]polled{one})))

	p.Must(p.Do(event.SelectX, unix.SYS_SELECT, V{}, 0, nil, nil, nil, p.Words(0, 0)))
	p.Fails(p.Do(event.SelectX, unix.SYS_SELECT, V{}, -1, nil, nil, nil, p.Words(0, 0)), unix.EINVAL)
	p.Fails(p.Do(event.EpollWaitX, unix.SYS_EPOLL_WAIT, V{"maxevents": 5}, -1, p.Buf(64), 5, 0), unix.EBADF)
	p.Do(event.EpollWaitX, unix.SYS_EPOLL_WAIT, V{"maxevents": -7}, -1, p.Buf(64), -7, 0)
}
