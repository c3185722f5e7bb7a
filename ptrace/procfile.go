package ptrace

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// file reads a file below /proc/PID into buf and returns the part read; empty
// if it can't be read. The name ends in a NUL.
func (p *process) file(name []byte, buf []byte) []byte {
	fd, e := openat(p.dir, name, unix.O_RDONLY)
	if e != 0 {
		return nil
	}
	n := 0
	for n < len(buf) {
		k, e := read(fd, buf[n:])
		if k <= 0 || e != 0 {
			break
		}
		n += k
	}
	closeFD(fd)
	return buf[:n]
}

// link reads the target of a link below /proc/PID, whose name ends in a NUL.
func (p *process) link(name, buf []byte) (int, syscall.Errno) {
	n, e := readlinkat(p.dir, name, buf)
	if !denied(e) {
		return n, e
	}
	own, size := append([]byte(nil), name...), len(buf)
	var target []byte
	e = p.denied.ask(func() syscall.Errno {
		target = make([]byte, size)
		n, e := readlinkat(p.dir, own, target)
		target = target[:n]
		return e
	})
	return copy(buf, target), e
}

// statLink looks at what a link below /proc/PID leads to.
func (p *process) statLink(name []byte, mask int, st *unix.Statx_t) syscall.Errno {
	e := statx(p.dir, name, 0, mask, st)
	if !denied(e) {
		return e
	}
	return p.denied.ask(func() syscall.Errno { return statx(p.dir, name, 0, mask, st) })
}

// Names of files below /proc/PID, for openat.
var (
	fileStatus   = []byte("status\x00")
	fileStatm    = []byte("statm\x00")
	fileAuxv     = []byte("auxv\x00")
	fileCgroup   = []byte("cgroup\x00")
	fileCmdline  = []byte("cmdline\x00")
	fileLoginUID = []byte("loginuid\x00")
	linkExe      = []byte("exe\x00")

	fileMountinfo = []byte("mountinfo\x00")

	linkPIDNS     = []byte("ns/pid\x00")
	linkPIDNSNext = []byte("ns/pid_for_children\x00")
)

// taskFile names a file of one thread of a process, until the next call.
func (d *Driver) taskFile(tid int, file string) []byte {
	d.name = append(d.name[:0], "task/"...)
	d.name = strconv.AppendInt(d.name, int64(tid), 10)
	d.name = append(append(d.name, file...), 0)
	return d.name
}

// taskStat reads the stat file of a thread; zeros if it can't be read.
func (d *Driver) taskStat(t *thread) *procfs.Stat {
	if procfs.ParseStat(t.proc.file(d.taskFile(t.tid, "/stat"), d.buf[:]), &d.st) != nil {
		d.st = procfs.Stat{}
	}
	if n := len(d.st.Comm); n > 0 && n < len(t.comm) {
		t.commN = copy(t.comm[:], d.st.Comm)
	}
	return &d.st
}

// taskStatFull is taskStat with the addresses of arguments and environment,
// which the kernel shows only to those that may trace the process.
func (d *Driver) taskStatFull(t *thread) *procfs.Stat {
	st := d.taskStat(t)
	if st.ArgStart != 0 || st.VSize == 0 {
		return st
	}
	name := append([]byte(nil), d.taskFile(t.tid, "/stat")...)
	t.proc.denied.ask(func() syscall.Errno {
		var full procfs.Stat
		if procfs.ParseStat(t.proc.file(name, d.buf[:]), &full) != nil || full.ArgStart == 0 {
			return unix.EPERM
		}
		d.st = full
		return 0
	})
	return &d.st
}

// taskStatus reads the status file of a thread; zeros if it can't be read.
func (d *Driver) taskStatus(t *thread) *procfs.Status {
	if procfs.ParseStatus(t.proc.file(d.taskFile(t.tid, "/status"), d.buf[:]), &d.stu) != nil {
		d.stu = procfs.Status{}
	}
	return &d.stu
}
