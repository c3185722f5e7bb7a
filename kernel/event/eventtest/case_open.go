package eventtest

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// families are the cases of all files.
var families = [][]Case{
	openCases, oldOpenCases, ioCases, fdCases, namesCases, waitCases, memoryCases, userCases, netCases, unixCases,
	messageCases, systemCases, taskCases, execCases, signalCases, legacyCases, i386Cases, x32Cases,
}

var openCases = []Case{
	{Name: "openat", Does: "opens files with all kinds of flags", Run: openatCase},
	{Name: "openat/paths", Does: "opens paths of all kinds of length and readability", Run: openatPaths},
	{Name: "openat2", Does: "opens files with struct open_how", Run: openat2Case},
	{Name: "overlay", Does: "opens files of an overlay's layers", Run: overlayCase, Root: true},
	{Name: "open_by_handle_at", Does: "opens a file by its handle", Run: byHandleCase, Root: true},
}

const atCWD = unix.AT_FDCWD

// openat makes the call and states its event. flags names the portable flags;
// the file must be where path leads after the call.
func (p *Prog) openat(path string, flags int, names string, mode, shown int) int64 {
	r := p.Call(unix.SYS_OPENAT, atCWD, path, flags, mode)
	enter := strings.TrimSuffix(names, "|O_F_CREATED")
	dev, ino := p.statFD(r)
	p.State(S{Event: event.OpenatX, V: V{
		"fd": r, "dirfd": atCWD, "name": path, "flags": Names(names), "mode": shown, "dev": dev, "ino": ino,
	}, Enter: V{"flags": Names(enter)}})
	return r
}

// statFD returns the device (new_encode_dev) and inode number of a descriptor,
// zeros for none.
func (p *Prog) statFD(fd int64) (dev uint32, ino uint64) {
	if fd < 0 {
		return 0, 0
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		p.Failf("fstat: %v", err)
	}
	return encodeDev(uint64(st.Dev)), st.Ino
}

// encodeDev is the contract's form of a device number (new_encode_dev).
func encodeDev(dev uint64) uint32 {
	major, minor := unix.Major(dev), unix.Minor(dev)
	return minor&0xff | major<<8 | minor&^0xff<<12
}

func openatCase(p *Prog) {
	p.openat("new", unix.O_RDWR|unix.O_CREAT, "O_RDWR|O_CREAT|O_F_CREATED", 0o7654, 0o7654)
	p.openat("new", unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, "O_WRONLY|O_CREAT|O_TRUNC", 0o600, 0o600)
	p.openat("excl", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, "O_RDWR|O_CREAT|O_EXCL|O_F_CREATED", 0o177777, 0o7777)
	p.Fails(p.openat("excl", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, "O_RDWR|O_CREAT|O_EXCL", 0o600, 0o600), unix.EEXIST)
	p.openat("new", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, "O_RDONLY|O_CLOEXEC|O_NONBLOCK", 0o777, 0)
	p.openat("new", unix.O_RDWR|unix.O_APPEND|unix.O_LARGEFILE, "O_RDWR|O_APPEND"+largefile(), 0, 0)
	p.openat("new", unix.O_WRONLY|unix.O_DSYNC, "O_WRONLY|O_DSYNC|O_SYNC", 0, 0)
	p.openat("new", unix.O_WRONLY|unix.O_SYNC, "O_WRONLY|O_DSYNC|O_SYNC", 0, 0)
	p.openat("new", unix.O_PATH, "O_RDONLY", 0, 0)
	p.openat("new", unix.O_NOATIME|unix.O_NOFOLLOW|unix.O_NOCTTY, "O_RDONLY", 0, 0)
	// An access mode of 3 is allowed by the kernel, and is none of the contract's.
	p.openat("new", 3, "O_RDONLY", 0, 0)
	// O_TMPFILE contains O_DIRECTORY, so any-bit tests see each in the other; both
	// let the mode through.
	p.openat(".", unix.O_RDONLY|unix.O_DIRECTORY, "O_RDONLY|O_DIRECTORY|O_TMPFILE", 0o755, 0o755)
	p.Fails(p.openat("new", unix.O_RDONLY|unix.O_DIRECTORY, "O_RDONLY|O_DIRECTORY|O_TMPFILE", 0o123, 0o123), unix.ENOTDIR)
	p.openat(".", unix.O_RDWR|unix.O_TMPFILE, "O_RDWR|O_DIRECTORY|O_TMPFILE", 0o640, 0o640)
	p.openat("new", unix.O_RDWR|unix.O_DIRECT, "O_RDWR|O_DIRECT", 0, 0)
	p.openat("/dev/null", unix.O_WRONLY|unix.O_CREAT, "O_WRONLY|O_CREAT", 0o666, 0o666)
	p.openat("/proc/self/status", unix.O_RDONLY, "O_RDONLY", 0, 0)
	p.Fails(p.openat("none", unix.O_RDONLY, "O_RDONLY", 0, 0), unix.ENOENT)

	dir := p.openat(".", unix.O_RDONLY, "O_RDONLY", 0, 0)
	for _, dirfd := range []int64{dir, 1 << 30, dir | 1<<40} {
		r := p.Call(unix.SYS_OPENAT, dirfd, "new", unix.O_RDONLY, 0)
		dev, ino := p.statFD(r)
		p.State(S{Event: event.OpenatX, V: V{
			"fd": r, "dirfd": int64(int32(dirfd)), "name": "new", "flags": Names("O_RDONLY"), "mode": 0, "dev": dev, "ino": ino,
		}})
	}
}

func largefile() string {
	if unix.O_LARGEFILE == 0 { // x/sys has 0 on 64-bit x86, where the flag changes nothing
		return ""
	}
	return "|O_LARGEFILE"
}

// openatPaths: what is on the wire of strings that are long, empty or unreadable.
func openatPaths(p *Prog) {
	open := func(addr uintptr, name any) {
		p.Do(event.OpenatX, unix.SYS_OPENAT, V{
			"dirfd": atCWD, "name": name, "flags": Names("O_RDONLY"), "mode": 0, "dev": 0, "ino": 0,
		}, atCWD, addr, unix.O_RDONLY, 0)
	}
	open(0, nil)
	open(p.Bad(), nil)
	open(^uintptr(0), nil)
	open(1, nil)
	open(1<<47-1, nil)
	open(1<<63, nil)
	open(p.Str(""), "")
	open(p.Str("none\xff\n"), []byte("none\xff\n\x00"))
	open(p.Edge([]byte("at the edge\x00")), "at the edge")
	open(p.Edge([]byte("no end")), nil)
	open(p.Edge([]byte("\x00")), "")
	open(p.Edge([]byte("x")), nil)
	for _, n := range []int{255, 256, 257, 1000, 4094, 4095} {
		s := strings.Repeat("abcdefg/", n/8+1)[:n]
		open(p.Str(s), s)
		open(p.Edge([]byte(s+"\x00")), s)
		open(p.Edge([]byte(s)), nil)
	}
	for _, n := range []int{4096, 5000, 70000} {
		s := strings.Repeat("/longer", n/7+1)[:n]
		open(p.Str(s), s[:min(n, p.Limits.String-1)])
	}
	// The cap reaches just to the end of what can be read.
	s := strings.Repeat("x", p.Limits.String)
	open(p.Edge([]byte(s)), s[:p.Limits.String-1])
}

func openat2Case(p *Prog) {
	how := func(flags, mode, resolve uint64) []byte {
		return le.AppendUint64(le.AppendUint64(le.AppendUint64(nil, flags), mode), resolve)
	}
	do := func(path string, h []byte, names string, mode int, resolve string) int64 {
		r := p.Call(unix.SYS_OPENAT2, atCWD, path, h, 24)
		if r == -int64(unix.ENOSYS) {
			p.Skip("no openat2 (Linux 5.6)")
		}
		dev, ino := p.statFD(r)
		var res any = 0
		if resolve != "" {
			res = Names(resolve)
		}
		p.State(S{Event: event.Openat2X, V: V{
			"fd": r, "dirfd": atCWD, "name": path, "flags": Names(names), "mode": mode, "resolve": res, "dev": dev, "ino": ino,
		}, Enter: V{"flags": Names(strings.TrimSuffix(names, "|O_F_CREATED"))}})
		return r
	}
	do("new", how(unix.O_RDWR|unix.O_CREAT, 0o644, 0), "O_RDWR|O_CREAT|O_F_CREATED", 0o644, "")
	do("new", how(unix.O_RDWR, 0, unix.RESOLVE_BENEATH), "O_RDWR", 0, "RESOLVE_BENEATH")
	do("new", how(0, 0, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_MAGICLINKS|unix.RESOLVE_NO_XDEV|unix.RESOLVE_IN_ROOT),
		"O_RDONLY", 0, "RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_XDEV|RESOLVE_IN_ROOT")
	p.Fails(do("/etc", how(0, 0, unix.RESOLVE_BENEATH), "O_RDONLY", 0, "RESOLVE_BENEATH"), unix.EXDEV)
	// The kernel refuses a mode without O_CREAT; the contract shows none.
	p.Fails(do("new", how(0, 0o644, 0), "O_RDONLY", 0, ""), unix.EINVAL)
	unreadable := V{
		"dirfd": atCWD, "name": "new", "flags": 0, "mode": 0, "resolve": 0, "dev": 0, "ino": 0,
	}
	for _, addr := range []uintptr{0, p.Bad(), p.Edge(how(0, 0, 0)[:20])} {
		r := p.Call(unix.SYS_OPENAT2, atCWD, "new", addr, 24)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.Openat2X, V: withResult(event.Openat2X, unreadable, r), Drops: true, NoEnter: p.Drops})
	}
}

func byHandleCase(p *Prog) {
	fd := p.Must(p.Call(unix.SYS_OPENAT, atCWD, "file", unix.O_CREAT|unix.O_RDWR, 0o644))
	h, _, err := unix.NameToHandleAt(int(fd), "", unix.AT_EMPTY_PATH)
	if err != nil {
		p.Skip("this file system has no handles: " + err.Error())
	}
	b := le.AppendUint32(le.AppendUint32(nil, uint32(h.Size())), uint32(h.Type()))
	b = append(b, h.Bytes()...)
	dev, ino := p.statFD(fd)
	r := p.Do(event.OpenByHandleAtX, unix.SYS_OPEN_BY_HANDLE_AT, V{
		"mountfd": fd, "flags": Names("O_RDWR|O_CLOEXEC"), "path": p.Dir + "/file", "dev": dev, "ino": ino,
	}, fd, b, unix.O_RDWR|unix.O_CLOEXEC)
	p.Must(r)
	p.Fails(p.Do(event.OpenByHandleAtX, unix.SYS_OPEN_BY_HANDLE_AT, V{
		"mountfd": -1, "flags": Names("O_RDONLY"), "path": nil, "dev": 0, "ino": 0,
	}, -1, b, 0), unix.EBADF)
	p.Fails(p.Do(event.OpenByHandleAtX, unix.SYS_OPEN_BY_HANDLE_AT, V{
		"mountfd": atCWD, "flags": Names("O_RDONLY"), "path": nil, "dev": 0, "ino": 0,
	}, atCWD, nil, 0), unix.EFAULT)
}
