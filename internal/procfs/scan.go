package procfs

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Scan describes the machine and the given processes, all of them if pids is
// nil, with all their threads and descriptors, and of their ancestors, who have
// no events, what each is: its first thread, and no descriptors. Kernel threads
// are left out.
//
// What a process refuses to show (it takes the right to ptrace it to see most
// of this) stays empty, and processes that vanish are left out or half told:
// there is no error that a caller could do anything about.
func Scan(pids, ancestors []int) *snapshot.State {
	return scan("/proc", pids, ancestors)
}

func scan(proc string, pids, ancestors []int) *snapshot.State {
	s := newScanner(proc)
	st := &snapshot.State{Machine: machine(proc), Interfaces: interfaces(), Users: users(), Groups: groups()}
	if pids == nil {
		pids = numbers(proc, 1<<22) // the highest pid_max (include/linux/threads.h:PID_MAX_LIMIT)
	}
	for _, pid := range pids {
		st.Threads = s.process(st.Threads, pid)
	}
	for _, pid := range ancestors {
		st.Threads = s.identity(st.Threads, pid)
	}
	return st
}

// Limits of what is kept of a process, which are those of the capture file
// (libscap's SCAP_MAX_ARGS_SIZE and SCAP_MAX_ENV_SIZE), and of its descriptors:
// the cap keeps a process that holds a million of them from stalling the start.
const (
	maxArgs = 4096
	maxEnv  = 4096
	maxFDs  = 1 << 16
)

// A scanner keeps what several processes share.
type scanner struct {
	proc        string
	openFlags   *spec.Converter
	cloneFlags  uint32 // of threads that are not the leader
	controllers *Controllers
	sockets     map[string]Sockets // by link text of the network namespace
	mounts      map[string][]Mount // by link text of the mount namespace
}

func newScanner(proc string) *scanner {
	arch := spec.X86
	if runtime.GOARCH == "arm64" {
		arch = spec.Arm64
	}
	clone := spec.FindTable("clone_flags")
	return &scanner{
		proc:       proc,
		openFlags:  spec.FindConversion("open_flags").On(arch),
		cloneFlags: uint32(clone.Find("CLONE_THREAD").Value | clone.Find("CLONE_FILES").Value),

		controllers: NewControllers(),
		sockets:     make(map[string]Sockets),
		mounts:      make(map[string][]Mount),
	}
}

// process appends the threads of a process. What they share is read once.
func (s *scanner) process(out []snapshot.Thread, pid int) []snapshot.Thread {
	dir := s.proc + "/" + strconv.Itoa(pid)
	shared, ok := s.shared(dir)
	if !ok {
		return out
	}
	first := len(out)
	for _, tid := range numbers(dir+"/task", 1<<22) {
		t := shared
		if thread(&t, dir+"/task/"+strconv.Itoa(tid)) {
			if t.TID != t.PID {
				t.Flags = s.cloneFlags
			}
			out = append(out, t)
		}
	}
	// Descriptors come last: they are many, and what a process is matters
	// more than what it has open, should it vanish meanwhile.
	for i := first; i < len(out); i++ {
		if out[i].TID == out[i].PID {
			out[i].FDs = s.fds(dir)
		}
	}
	return out
}

// identity appends the first thread of a process.
func (s *scanner) identity(out []snapshot.Thread, pid int) []snapshot.Thread {
	dir := s.proc + "/" + strconv.Itoa(pid)
	if t, ok := s.shared(dir); ok && thread(&t, dir) {
		out = append(out, t)
	}
	return out
}

// shared reads what all threads of a process have in common.
func (s *scanner) shared(dir string) (t snapshot.Thread, ok bool) {
	status := ReadStatus(dir)
	if status.Pid == 0 {
		return t, false
	}
	t.PID = int64(status.Tgid)
	if args, err := readFile(dir+"/cmdline", maxArgs); err == nil {
		if list := SplitStrings(args); len(list) > 0 {
			t.Exe, t.Args = list[0], list[1:]
		}
	}
	if env, err := readFile(dir+"/environ", maxEnv); err == nil {
		t.Env = SplitStrings(env)
	}
	t.CWD, _ = os.Readlink(dir + "/cwd")
	if t.CWD != "" && !strings.HasSuffix(t.CWD, "/") {
		t.CWD += "/"
	}
	t.Root, _ = os.Readlink(dir + "/root")
	t.FDLimit = -1
	if limits, err := readFile(dir+"/limits", maxSmall); err == nil {
		t.FDLimit, _ = ParseLimits(limits)
	}
	t.LoginUID = ^uint32(0) // also where the kernel has no audit
	if text, err := readFile(dir+"/loginuid", maxSmall); err == nil {
		if id, _, ok := cutNumber(text); ok {
			t.LoginUID = uint32(id)
		}
	}
	var cg Cgroup
	if text, err := readFile(dir+"/cgroup", maxTable); err == nil && ParseCgroup(text, &cg) == nil {
		s.controllers.Resolve(&cg)
		t.Cgroups = SplitStrings(cg.Append(nil))
	}
	t.PIDNSInitStart, _ = initStart(dir)
	if e, err := ReadExe(dir, &status); err == nil {
		t.ExePath = e.Path
		t.ExeIno, t.ExeCTime, t.ExeMTime = e.Ino, e.CTime, e.MTime
		t.ExeWritable, t.ExeMemfd = e.Writable, e.Memfd
		t.ExeUpperLayer, t.ExeLowerLayer = e.UpperLayer, e.LowerLayer
	}
	return t, true
}

// thread adds what a thread has of its own. It reports whether the thread is
// there and not the kernel's.
func thread(t *snapshot.Thread, dir string) bool {
	status := ReadStatus(dir)
	if status.Pid == 0 {
		return false
	}
	t.TID, t.PID, t.PTID = int64(status.Pid), int64(status.Tgid), int64(status.PPid)
	t.VTID, t.VPID, t.VPGID = -1, -1, -1
	if status.NSPid != 0 { // else the kernel does not tell
		t.VTID, t.VPID, t.VPGID = int64(status.NSPid), int64(status.NSTgid), int64(status.NSPgid)
	}
	t.UID, t.GID = status.UID[1], status.GID[1]
	t.VMSize, t.VMRSS, t.VMSwap = status.VMSize, status.VMRSS, status.VMSwap
	t.CapInh, t.CapPrm, t.CapEff = status.CapInh, status.CapPrm, status.CapEff
	t.SID, t.PGID = -1, -1
	stat, err := ReadStat(dir)
	if err != nil {
		return true
	}
	t.Comm = string(stat.Comm)
	t.SID, t.PGID, t.TTY = int64(stat.Session), int64(stat.PGRP), stat.TTY
	t.MajFault, t.MinFault = stat.MajFlt, stat.MinFlt
	return !stat.Kernel()
}

// numbers returns the entries of a directory that are numbers, sorted, at most
// limit of them.
func numbers(dir string, limit int) []int {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	var out []int
	for len(out) < limit {
		names, err := d.Readdirnames(min(limit-len(out), 1<<10))
		for _, name := range names {
			if v, ok := number([]byte(name), 10); ok && v < 1<<31 {
				out = append(out, int(v))
			}
		}
		if err != nil { // io.EOF, or the process is gone
			break
		}
	}
	slices.Sort(out)
	return out
}

// machine describes the machine; what cannot be read is 0.
func machine(proc string) snapshot.Machine {
	m := snapshot.Machine{CPUs: uint32(runtime.NumCPU()), BootTime: BootTime(), Memory: memory()}
	m.Hostname, _ = os.Hostname()
	// The runtime counts the CPUs that this process may use; the machine's
	// are the lines "cpuN" of stat.
	if text, err := readFile(proc+"/stat", maxTable); err == nil {
		n := uint32(0)
		for len(text) > 0 {
			var line []byte
			line, text = cutLine(text)
			if rest, ok := bytes.CutPrefix(line, []byte("cpu")); ok && len(rest) > 0 && rest[0] != ' ' {
				n++
			}
		}
		m.CPUs = max(n, 1)
	}
	if text, err := readFile(proc+"/sys/kernel/pid_max", maxSmall); err == nil {
		m.MaxPID, _, _ = cutNumber(text)
	}
	return m
}
