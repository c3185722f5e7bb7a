package eventtest

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var namesCases = []Case{
	{Name: "names", Does: "names, links and modes, relative to directories", Run: namesCase},
	{Name: "metadata", Does: "stat, owners, working directories", Run: metadataCase},
	{Name: "mount", Does: "mounts in a namespace of its own", Run: mountCase, Root: true},
}

func namesCase(p *Prog) {
	const high = 3 << 32
	var dir int64
	p.quiet(func() { dir = p.Must(p.Call(unix.SYS_OPENAT, atCWD, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)) })

	mkdirat := func(d int64, path, shown any, mode int) int64 {
		return p.Do(event.MkdiratX, unix.SYS_MKDIRAT, V{"dirfd": s32(d), "path": shown, "mode": mode}, d, path, mode)
	}
	p.Must(mkdirat(atCWD, "d", "d", 0o755))
	p.Must(mkdirat(dir|high, "e", "e", 0o177777))
	p.Fails(mkdirat(-7, "x", "x", 0), unix.EBADF)
	p.Fails(mkdirat(atCWD, nil, nil, 0), unix.EFAULT)
	p.Fails(mkdirat(atCWD, "", "", 0), unix.ENOENT)

	mknodat := func(path string, mode int, shown any, dev uint64, encoded uint32) int64 {
		return p.Do(event.MknodatX, unix.SYS_MKNODAT, V{"dirfd": atCWD, "path": path, "mode": shown, "dev": encoded},
			atCWD, path, mode, dev)
	}
	p.Must(mknodat("fifo", unix.S_IFIFO|0o644, Names("S_IFIFO|S_IRUSR|S_IWUSR|S_IRGRP|S_IROTH"), 0, 0))
	p.Must(mknodat("reg", 0o600, Names("S_IFREG|S_IRUSR|S_IWUSR"), 0, 0))
	p.Must(mknodat("sock", unix.S_IFSOCK|0o7777, 0o140000|0o7777, 0, 0))
	p.Fails(mknodat("dir", unix.S_IFDIR, Any, 0, 0), unix.EPERM)

	symlinkat := func(target, shown any, d int64, path string) int64 {
		return p.Do(event.SymlinkatX, unix.SYS_SYMLINKAT, V{"target": shown, "linkdirfd": s32(d), "linkpath": path}, target, d, path)
	}
	p.Must(symlinkat("nowhere", "nowhere", atCWD, "link"))
	p.Fails(symlinkat("", "", dir, "x"), unix.ENOENT)
	p.Fails(symlinkat(nil, nil, dir, "x"), unix.EFAULT)

	// Of linkat's directories all 64 bits are shown, but for AT_FDCWD.
	linkat := func(d1 int64, s1 any, a string, d2 int64, s2 any, b string, flags int, names any) int64 {
		return p.Do(event.LinkatX, unix.SYS_LINKAT, V{
			"olddir": s1, "oldpath": a, "newdir": s2, "newpath": b, "flags": names,
		}, d1, a, d2, b, flags)
	}
	p.Must(linkat(atCWD, atCWD, "reg", dir|high, dir|high, "reg2", 0, 0))
	p.Must(linkat(0xffffff9c, atCWD, "reg", dir, dir, "reg3", unix.AT_SYMLINK_FOLLOW, Names("AT_SYMLINK_FOLLOW")))
	p.Fails(linkat(-7, -7, "reg", -8, -8, "x", unix.AT_EMPTY_PATH, Names("AT_EMPTY_PATH")), unix.EBADF)
	p.Fails(linkat(atCWD, atCWD, "none", atCWD, atCWD, "", 0, 0), unix.ENOENT)

	renameat2 := func(a, b string, flags int) int64 {
		return p.Do(event.Renameat2X, unix.SYS_RENAMEAT2, V{
			"olddirfd": atCWD, "oldpath": a, "newdirfd": dir, "newpath": b, "flags": flags,
		}, atCWD, a, dir, b, flags)
	}
	p.Must(renameat2("reg3", "reg4", 0))
	p.Must(renameat2("reg", "reg4", unix.RENAME_EXCHANGE))
	p.Fails(renameat2("reg", "reg4", unix.RENAME_NOREPLACE), unix.EEXIST)
	p.Fails(renameat2("reg", "reg4", 0x7ffffff8), unix.EINVAL)
	long := strings.Repeat("n", 256)
	p.Fails(renameat2(long, "x", 0), unix.ENAMETOOLONG)
	p.Must(p.Do(event.RenameatX, sysRenameat, V{
		"olddirfd": dir, "oldpath": "reg4", "newdirfd": atCWD, "newpath": "reg5",
	}, dir, "reg4", atCWD, "reg5"))

	chmodat := func(path string, mode, shown int) int64 {
		return p.Do(event.FchmodatX, unix.SYS_FCHMODAT, V{"dirfd": atCWD, "filename": path, "mode": shown}, atCWD, path, mode)
	}
	p.Must(chmodat("reg", 0o7777, 0o7777))
	p.Must(chmodat("reg", 0o100644, 0o644))
	p.Fails(chmodat("none", 0, 0), unix.ENOENT)
	p.Must(p.Do(event.FchmodX, unix.SYS_FCHMOD, V{"fd": dir, "mode": 0o755}, dir, 0o755))
	p.Fails(p.Do(event.FchmodX, unix.SYS_FCHMOD, V{"fd": -1, "mode": 0o1000}, -1, 0o1000), unix.EBADF)

	unlinkat := func(path string, flags int, names any) int64 {
		return p.Do(event.UnlinkatX, unix.SYS_UNLINKAT, V{"dirfd": atCWD, "name": path, "flags": names}, atCWD, path, flags)
	}
	p.Must(unlinkat("reg", 0, 0))
	p.Must(unlinkat("d", unix.AT_REMOVEDIR, Names("AT_REMOVEDIR")))
	p.Fails(unlinkat("e", 0, 0), unix.EISDIR)
	p.Fails(unlinkat("e", 1, 0), unix.EINVAL)
}

func metadataCase(p *Prog) {
	st := p.Buf(256)
	var fd int64
	p.quiet(func() { fd = p.file("file", nil) })
	p.Must(p.Do(event.FstatX, unix.SYS_FSTAT, V{"fd": fd}, fd, st))
	p.Fails(p.Do(event.FstatX, unix.SYS_FSTAT, V{"fd": -1}, -1, st), unix.EBADF)
	fstatat := func(d int64, path, shown any, flags int, names any) int64 {
		return p.Do(event.NewfstatatX, sysFstatat, V{"dirfd": d, "path": shown, "flags": names}, d, path, st, flags)
	}
	p.Must(fstatat(atCWD, "file", "file", 0, 0))
	p.Must(fstatat(fd, "", "", unix.AT_EMPTY_PATH, Names("AT_EMPTY_PATH")))
	p.Must(fstatat(atCWD, "file", "file", unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, Names("AT_SYMLINK_NOFOLLOW|AT_NO_AUTOMOUNT")))
	p.Fails(fstatat(atCWD, p.Bad(), nil, 0, 0), unix.EFAULT)

	fchown := func(fd int64, uid, gid int64) int64 {
		return p.Do(event.FchownX, unix.SYS_FCHOWN, V{"fd": fd, "uid": uint32(uid), "gid": uint32(gid)}, fd, uid, gid)
	}
	p.Must(fchown(fd, -1, -1))
	p.Fails(fchown(-1, 5, 6), unix.EBADF)
	p.Must(p.Do(event.FchownatX, unix.SYS_FCHOWNAT, V{
		"dirfd": fd, "pathname": "", "uid": ^uint32(0), "gid": ^uint32(0), "flags": Names("AT_EMPTY_PATH"),
	}, fd, "", -1, -1, unix.AT_EMPTY_PATH))
	p.Fails(p.Do(event.FchownatX, unix.SYS_FCHOWNAT, V{
		"dirfd": atCWD, "pathname": "none", "uid": 1, "gid": 2, "flags": 0,
	}, atCWD, "none", 1, 2, unix.AT_SYMLINK_NOFOLLOW), unix.ENOENT)

	buf := p.Buf(4096)
	n := int64(len(p.Dir) + 1)
	p.Do(event.GetcwdX, unix.SYS_GETCWD, V{"res": n, "path": p.Dir}, buf, 4096)
	p.Fails(p.Do(event.GetcwdX, unix.SYS_GETCWD, V{"path": nil}, buf, 2), unix.ERANGE)
	chdir := func(path, shown any) int64 {
		return p.Do(event.ChdirX, unix.SYS_CHDIR, V{"path": shown}, path)
	}
	p.Must(chdir("..", ".."))
	p.Must(chdir(p.Dir, p.Dir))
	p.Fails(chdir("none", "none"), unix.ENOENT)
	p.Fails(chdir(nil, nil), unix.EFAULT)
	p.Fails(p.Do(event.FchdirX, unix.SYS_FCHDIR, V{"fd": fd}, fd), unix.ENOTDIR)
	p.Fails(p.Do(event.ChrootX, unix.SYS_CHROOT, V{"path": "none"}, "none"), unix.ENOENT)
	p.Fails(p.Do(event.ChrootX, unix.SYS_CHROOT, V{"path": "file"}, "file"), unix.ENOTDIR)
	if unix.Geteuid() == 0 {
		p.Must(p.Do(event.ChrootX, unix.SYS_CHROOT, V{"path": "/"}, "/"))
	}
	p.Generic("utimensat", atCWD, "file", nil, 0)
	p.Generic("statx", atCWD, "file", 0, 0xfff, st)
	p.Generic("faccessat", atCWD, "file", 0)
	p.Generic("readlinkat", atCWD, "file", buf, 10)
	p.Generic("setxattr", "file", "user.x", "1", 1, 0)
	p.Generic("truncate", "file", 10)
	p.Generic("fsync", fd)
	p.Generic("statfs", "file", buf)
	p.Generic("umask", 0)
}

func mountCase(p *Prog) {
	const rec, private = unix.MS_REC, unix.MS_PRIVATE
	p.Must(p.Do(event.UnshareX, unix.SYS_UNSHARE, V{"flags": Names("CLONE_NEWNS")}, unix.CLONE_NEWNS))
	p.Must(p.Do(event.MountX, unix.SYS_MOUNT, V{
		"dev": "none", "dir": "/", "type": nil, "flags": rec | private,
	}, "none", "/", nil, rec|private, nil))
	p.quiet(func() { p.Must(p.Call(unix.SYS_MKDIRAT, atCWD, "m", 0o755)) })
	// Old programs put a magic number into the upper half (MS_MGC_VAL).
	p.Must(p.Do(event.MountX, unix.SYS_MOUNT, V{
		"dev": "tmp", "dir": "m", "type": "tmpfs", "flags": unix.MS_NOSUID | unix.MS_NODEV,
	}, "tmp", "m", "tmpfs", 0xc0ed0000|unix.MS_NOSUID|unix.MS_NODEV, "size=1m"))
	p.Fails(p.Do(event.MountX, unix.SYS_MOUNT, V{
		"dev": "x", "dir": "none", "type": "tmpfs", "flags": 0,
	}, "x", "none", "tmpfs", 0, nil), unix.ENOENT)
	umount2 := func(path string, flags int, names any) int64 {
		return p.Do(event.Umount2X, unix.SYS_UMOUNT2, V{"name": path, "flags": names}, path, flags)
	}
	p.Fails(umount2("m", unix.MNT_EXPIRE, Names("EXPIRE")), unix.EAGAIN)
	p.Must(umount2("m", unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW, Names("DETACH|NOFOLLOW")))
	p.Fails(umount2("m", 0, 0), unix.EINVAL)
	p.Fails(umount2("m", unix.MNT_FORCE|0x1000, Names("FORCE")), unix.EINVAL)

	fsconfig := func(fd int64, cmd int, name string, key, value any, aux int, shown, bytes, text any) int64 {
		return p.Do(event.FsconfigX, unix.SYS_FSCONFIG, V{
			"fd": fd, "cmd": Names(name), "key": shown, "value_bytebuf": bytes, "value_charbuf": text, "aux": aux,
		}, fd, cmd, key, value, aux)
	}
	fs := p.Must(p.Generic("fsopen", "tmpfs", 0))
	p.Must(fsconfig(fs, unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING", "size", "1m", 0, "size", nil, "1m"))
	p.Fails(fsconfig(fs, unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING", "nope", "1m", 0, "nope", nil, nil), unix.EINVAL)
	p.Fails(fsconfig(fs, unix.FSCONFIG_SET_BINARY, "FSCONFIG_SET_BINARY", "nope", "1m", 2, "nope", nil, nil), unix.EINVAL)
	p.Must(fsconfig(fs, unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG", "ro", nil, 0, "ro", nil, nil))
	p.Must(fsconfig(fs, unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE", nil, nil, 0, nil, nil, nil))
	p.Fails(fsconfig(-1, unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE", nil, nil, 0, nil, nil, nil), unix.EINVAL)

	// The drivers encode the argument, which is encoded already, once more.
	dev := func(path string, arg, shown uint32) {
		p.Must(p.Do(event.MknodatX, unix.SYS_MKNODAT, V{
			"dirfd": atCWD, "path": path, "mode": 0o20600, "dev": shown,
		}, atCWD, path, unix.S_IFCHR|0o600, arg))
	}
	dev("null", 0x103, 0x100003)       // 1, 3
	dev("odd", 0x123abc45, 0xabc12345) // 0xabc, 0x12345
}
