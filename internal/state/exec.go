package state

import "github.com/lannerhq/lanner/kernel/event"

// procexit postpones the end of a thread until its event is shown.
func procexit(s *State) {
	t := s.thread
	if t == nil {
		return
	}
	s.exiting = t
	if t.Proc.Threads() > 1 {
		return
	}
	// The last thread: children get a new parent (kernel/exit.c:forget_original_parent).
	if reaper, ok := s.num("reaper_tid"); ok && reaper > 0 {
		pid := reaper
		if r := s.threads[reaper]; r != nil && r.Proc.PID >= 0 {
			pid = r.Proc.PID
		}
		for c := t.Proc.children; c != nil && pid != t.Proc.PID; c = t.Proc.children {
			s.adopt(c, pid)
			if c.parent == t.Proc {
				break
			}
		}
	}
}

// contextSwitch takes the sizes that the scheduler's event carries.
func contextSwitch(s *State) {
	if s.thread != nil {
		setInt(s, &s.thread.MajFault, "pgft_maj")
		setInt(s, &s.thread.MinFault, "pgft_min")
		s.memory()
	}
}

// exec handles the exit events of execve and execveat.
func exec(s *State) {
	t := s.thread
	if !s.succeeded() {
		if t.Proc.PID < 0 { // a failed exec describes the caller as well
			s.identify(t, false)
		}
		return
	}
	pid, ok := s.num("pid")
	if !ok {
		pid = t.Proc.PID
	}
	if t.Placeholder || t.Proc.PID != pid {
		s.identify(t, true)
	}
	p := t.Proc
	// All other threads are gone (fs/exec.c:de_thread), also the one that called
	// exec if it was not the leader: it took over the leader's id.
	for i := len(p.threads) - 1; i >= 0 && len(p.threads) > 1; i-- {
		if o := p.threads[i]; o != t {
			delete(s.threads, o.TID)
			o.files.refs--
			s.leave(o)
		}
	}
	t.dead = false
	s.threads[t.TID] = t
	if p.PID == t.TID {
		p.Leader = t
	}
	if path, ok := s.execPath(); ok {
		p.ExePath = path
	}
	s.set(&p.Exe, "exe")
	s.set(&t.Comm, "comm")
	args, _ := s.find("args")
	env, _ := s.find("env")
	p.Args, p.Env = splitInto(p.Args, args), splitInto(p.Env, env)
	if b, _ := s.find("cgroups"); len(b) > 0 {
		p.Cgroups = splitInto(p.Cgroups, b)
	}
	if ppid, ok := s.num("ptid"); ok {
		s.adopt(p, ppid)
	}
	setInt(s, &p.FDLimit, "fdlimit")
	setInt(s, &t.MajFault, "pgft_maj")
	setInt(s, &t.MinFault, "pgft_min")
	s.memory()
	setInt(s, &p.TTY, "tty")
	setInt(s, &p.VPGID, "vpgid")
	setInt(s, &p.PGID, "pgid")
	setInt(s, &t.LoginUID, "loginuid")
	setInt(s, &t.CapInh, "cap_inheritable")
	setInt(s, &t.CapPrm, "cap_permitted")
	setInt(s, &t.CapEff, "cap_effective")
	setInt(s, &p.ExeIno, "exe_ino")
	setInt(s, &t.UID, "uid")
	setInt(s, &t.GID, "gid")
	s.closeOnExec(t)
}

// execPath returns the path of the new program: the kernel's, or else made from
// the arguments of the call.
func (s *State) execPath() (string, bool) {
	if b, ok := s.text("trusted_exepath"); ok {
		return string(b), true
	}
	t := s.thread
	if b, ok := s.text("filename"); ok {
		if string(b) == NA {
			return NA, true
		}
		return join(t.fs.cwd, b), true
	}
	if s.hasIn && s.enter.Type() == event.ExecveatE {
		dirfd, _ := s.enter.Int(0)
		name, _ := s.text("pathname")
		flags, _ := s.enter.Int(2)
		base := t.dirOf(dirfd, unknownDir)
		absolute := len(name) > 0 && name[0] == '/'
		switch {
		case base == unknownDir && !absolute:
			return NA, true
		case flags&execveEmptyDir != 0 && len(name) == 0:
			return join("", []byte(base)), true
		}
		return join(base, name), true
	}
	return "", false
}

// closeOnExec gives the thread a table of its own without the descriptors that
// exec closes (fs/file.c:do_close_on_exec).
func (s *State) closeOnExec(t *Thread) {
	if t.files.refs > 1 {
		t.files.refs--
		t.files = t.files.clone()
	}
	for num, fd := range t.files.m {
		if fd.Flags&openCloexec != 0 {
			delete(t.files.m, num)
		}
	}
}
