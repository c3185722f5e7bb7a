package ptrace

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Bits of the exec events' flags (execve_flags).
const (
	exeWritable   = 1
	exeUpperLayer = 2
	exeFromMemfd  = 4
	exeLowerLayer = 8
)

// fillExecveX: 31 parameters, see docs/events.md.
// After a success the values are of the new program; after a failure argv and
// environment are those of the call and all else is of the unchanged process.
func (c *call) fillExecveX() {
	c.fillExec()
	if c.in == spec.Current {
		c.putExecName()
	}
}

// fillExecveatX: as execve, without the name.
func (c *call) fillExecveatX() { c.fillExec() }

func (c *call) fillExec() {
	t, p := c.t, c.t.proc
	st := c.taskStatFull(t)
	c.b.PutS64(c.ret)
	if c.ret < 0 {
		argv, envp := c.args[1], c.args[2]
		if c.sc.Name == "execveat" {
			argv, envp = c.args[2], c.args[3]
		}
		c.execEnv = c.strings(envp, c.execEnv[:0])
		args := c.strings(argv, c.execArgs[:0])
		if len(args) == 0 {
			args = emptyString // no argv is one empty string
		}
		c.putArgs(args)
	} else {
		c.execEnv = c.region(st.EnvStart, st.EnvEnd, c.execEnv[:0])
		c.execName = st.EnvEnd
		c.putArgs(c.argv(st))
	}
	c.b.PutS64(int64(t.tid))
	c.b.PutS64(int64(p.pid))
	c.b.PutS64(int64(st.PPID))
	c.b.PutString("") // cwd: readers keep it themselves
	c.b.PutS64(c.openFiles(p))
	c.b.PutU64(st.MajFlt)
	c.b.PutU64(st.MinFlt)
	v := c.sizesFrom(st)
	c.b.PutU32(v.size)
	c.b.PutU32(v.rss)
	c.b.PutU32(v.swap)
	c.b.PutString(string(t.comm[:t.commN]))
	c.b.PutBytes(c.cgroupsOf(p))
	c.b.PutBytes(c.execEnv)
	c.b.PutU32(st.TTY)
	c.b.PutS64(c.ownPgid(t, int64(st.PGRP)))
	c.b.PutU32(c.loginUID(p))
	exe := c.executable(p)
	cr := c.credentials(t)
	c.b.PutU32(exe.flags)
	c.b.PutU64(cr.inh)
	c.b.PutU64(cr.prm)
	c.b.PutU64(cr.eff)
	c.b.PutU64(exe.ino)
	c.b.PutU64(exe.ctime)
	c.b.PutU64(exe.mtime)
	c.b.PutU32(cr.euid)
	c.putExePath(exe.path)
	if c.in == spec.Current {
		c.b.PutS64(int64(st.PGRP))
		c.b.PutU32(cr.egid)
	}
}

// putExecName writes the name that the program was started by: the argument, or
// what the kernel made of it for the new program. That lies behind its environment
// (fs/exec.c:do_execveat_common copies it first), and can be read even if the
// memory of the call could not.
func (c *call) putExecName() {
	if c.ret < 0 {
		c.putString(c.args[0])
		return
	}
	room := c.b.Room(maxString)
	n := c.mem.str(c.execName, room)
	if n <= 1 {
		n = copy(room, c.t.proc.execName)
	}
	c.b.Commit(n)
}

// strings reads an argv-like array of pointers and its strings, each with its
// NUL, at most maxArgs bytes; what could be read before an error counts.
func (c *call) strings(addr uint64, out []byte) []byte {
	size := c.long()
	var ptrs [64 * 8]byte
	for addr != 0 {
		n := c.mem.read(addr, ptrs[:64*size])
		for i := 0; (i+1)*size <= n; i++ {
			p := c.num(ptrs[:], i)
			if p == 0 {
				return out
			}
			room := out[len(out):maxArgs]
			k := c.mem.str(p, room)
			if k == 0 {
				return out
			}
			out = out[:len(out)+k]
			if len(out) == maxArgs {
				return out
			}
		}
		if n < 64*size {
			return out
		}
		addr += uint64(n)
	}
	return out
}

// argv returns the arguments of a process as they stand in its memory: argv[0],
// NUL, argv[1], NUL, ..., at most maxArgs bytes. Where that can't be read, /proc
// still shows them.
func (c *call) argv(st *procfs.Stat) []byte {
	if b := c.region(st.ArgStart, st.ArgEnd, c.execArgs[:0]); len(b) > 0 {
		return b
	}
	b := c.t.proc.file(fileCmdline, c.argBuf[:])
	if len(b) == maxArgs {
		b[maxArgs-1] = 0
	}
	return b
}

// region reads a part of memory that holds strings, at most maxArgs bytes, the
// last of which is forced to NUL.
func (c *call) region(start, end uint64, out []byte) []byte {
	if end <= start {
		return out
	}
	n := c.mem.read(start, out[:min(end-start, maxArgs)])
	out = out[:n]
	if n > 0 {
		out[n-1] = 0
	}
	return out
}

// An exe is what is known of a running program's file.
type exe struct {
	path              []byte
	flags             uint32
	ino, ctime, mtime uint64
}

// executable looks at the file of the running program.
func (c *call) executable(p *process) (x exe) {
	n, e := p.link(linkExe, c.path[:maxString-1])
	if e == 0 {
		x.path = c.path[:n]
	}
	var st unix.Statx_t
	if p.statLink(linkExe, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st) != 0 {
		return x
	}
	x.ino = st.Ino
	x.ctime = uint64(st.Ctime.Sec)*1e9 + uint64(st.Ctime.Nsec)
	x.mtime = uint64(st.Mtime.Sec)*1e9 + uint64(st.Mtime.Nsec)
	file := unix.Stat_t{Uid: st.Uid, Gid: st.Gid, Mode: uint32(st.Mode)}
	var fs unix.Statfs_t
	readOnly := unix.Statfs("/proc/"+strconv.Itoa(p.pid)+"/exe", &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
	status := c.taskStatus(c.t)
	c.t.creds = credsOf(status) // read for both
	if procfs.MayWrite(&file, readOnly, status) {
		x.flags |= exeWritable
	}
	// A memfd is in no directory; its name is made up (mm/memfd.c:alloc_name).
	if st.Nlink == 0 && bytes.HasPrefix(x.path, []byte("/memfd:")) {
		x.flags |= exeFromMemfd
	}
	m := c.mountOf(p, &st)
	switch c.layerOf(p, m, string(x.path), &st) {
	case upper:
		x.flags |= exeUpperLayer
	case lower:
		if c.in == spec.Current {
			x.flags |= exeLowerLayer
		}
	}
	if m != nil && m.overlay {
		x.ino = c.exeIno(p, x.ino)
	}
	return x
}

// exeIno returns the kernel's inode number of a program on an overlay.
func (d *Driver) exeIno(p *process, ino uint64) uint64 {
	fd, e := openat(p.dir, linkExe, unix.O_PATH)
	if e != 0 {
		return ino
	}
	defer closeFD(fd)
	text, err := os.ReadFile("/proc/thread-self/fdinfo/" + strconv.Itoa(fd))
	var info procfs.FDInfo
	if err != nil || procfs.ParseFDInfo(text, &info) != nil || info.Ino == 0 {
		return ino
	}
	return info.Ino
}

// putExePath writes the resolved path of the program. V036 leaves off what the
// kernel says of a deleted file.
func (c *call) putExePath(path []byte) {
	if path == nil {
		c.b.PutEmpty()
		return
	}
	s := string(path)
	if c.in == spec.V036 {
		s = strings.TrimSuffix(s, " (deleted)")
	}
	c.b.PutString(s)
}

// ownPgid is a process group's id in the thread's own PID namespace.
func (c *call) ownPgid(t *thread, pgid int64) int64 {
	if c.findSpaces(t); !t.proc.nested {
		return pgid
	}
	return int64(c.taskStatus(t).NSPgid)
}
