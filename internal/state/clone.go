package state

import "strings"

// clone handles the exit events of clone, fork, vfork and clone3. Parent and
// child each have one, in any order.
func clone(s *State) {
	res, ok := s.result()
	switch {
	case !ok || res < 0:
		return
	case res == 0:
		s.cloneChild()
	default:
		s.cloneParent(res)
	}
}

// cloneParent makes the child, unless its own event was first.
func (s *State) cloneParent(child int64) {
	t := s.thread
	if t == nil {
		t = s.placeholder(s.ev.TID())
		s.thread = t
	}
	s.identify(t, t.Placeholder)
	flags, _ := s.num("flags")
	// Inside of a PID namespace the result is no id that the events use; the
	// child's own event has it. With CLONE_PARENT the child is a sibling whose
	// parent only its own event tells.
	if flags&(cloneInPIDNS|cloneNewPID|cloneParent) != 0 || t.VTID >= 0 && t.VTID != t.TID {
		return
	}
	if c := s.threads[child]; c != nil && c.born == bornChild {
		c.born = bornBoth
		return
	}
	c := s.child(t, child, child, flags)
	c.born = bornParent
	c.VTID = child
}

// cloneChild makes the child, or completes what the parent's event has made.
func (s *State) cloneChild() {
	tid := s.ev.TID()
	flags, _ := s.num("flags")
	pid, ok := s.num("pid")
	if !ok {
		pid = tid
	}
	ptid, _ := s.num("ptid")
	c := s.threads[tid]
	if c != nil && c.born == bornParent {
		c.born = bornBoth
	} else {
		caller := s.threads[pid] // of a thread: the leader shares all with it
		if flags&cloneThread == 0 {
			caller = s.threads[ptid]
		}
		if caller == nil && s.procs[ptid] != nil {
			caller = s.procs[ptid].Leader
		}
		if caller == nil || caller.TID == tid {
			caller = newThread(ptid)
		}
		c = s.child(caller, tid, pid, flags)
		c.born = bornChild
	}
	s.thread = c
	s.identify(c, flags&cloneThread == 0 || c.Proc.Exe == NA)
	if flags&cloneThread == 0 {
		s.adopt(c.Proc, ptid)
	}
	s.set(&c.Comm, "comm")
	setInt(s, &c.UID, "uid")
	setInt(s, &c.GID, "gid")
}

// child lists a new thread that has what clone gives it.
func (s *State) child(caller *Thread, tid, pid, flags int64) *Thread {
	c := newThread(tid)
	c.Proc = nil
	if flags&cloneFiles != 0 {
		c.files = caller.files
		c.files.refs++
	} else {
		c.files = caller.files.clone()
	}
	if flags&(cloneFS|cloneThread) != 0 { // pthread_create sets both
		c.fs = caller.fs
	} else {
		*c.fs = *caller.fs
	}
	c.Comm, c.UID, c.GID, c.LoginUID = caller.Comm, caller.UID, caller.GID, caller.LoginUID
	c.CapInh, c.CapPrm, c.CapEff = caller.CapInh, caller.CapPrm, caller.CapEff
	s.list(c)
	from := caller.Proc
	if flags&cloneThread != 0 && from.PID >= 0 {
		s.join(c, from)
		return c
	}
	p := s.procs[pid]
	if p == nil || flags&cloneThread == 0 {
		if p != nil { // of a process whose end was not seen
			for len(p.threads) > 0 {
				old := p.threads[0]
				delete(s.threads, old.TID)
				old.files.refs--
				s.leave(old)
			}
			s.threads[tid] = c
		}
		p = s.process(pid)
		p.Exe, p.ExePath, p.Args, p.Env = from.Exe, from.ExePath, from.Args, from.Env
		p.Cgroups, p.FDLimit, p.TTY, p.ExeIno = from.Cgroups, from.FDLimit, from.TTY, from.ExeIno
		p.SID, p.VPGID, p.PGID = from.SID, from.VPGID, from.PGID
		p.Start = s.ev.TS()
		s.adopt(p, from.PID)
	}
	s.join(c, p)
	return c
}

// identify gives a thread what the parameters of clone and exec say of the
// thread they are reported on; program says whether they also say what it runs.
func (s *State) identify(t *Thread, program bool) {
	if pid, ok := s.num("pid"); ok && t.Proc.PID != pid {
		p := s.procs[pid]
		if p == nil {
			p = t.Proc
			if p.PID >= 0 {
				p = newProcess(pid)
				p.Exe, p.ExePath = NA, NA
			}
			p.PID = pid
			s.procs[pid] = p
		}
		if t.Proc == p {
			p.Leader = nil
			if t.TID == pid {
				p.Leader = t
			}
		} else {
			s.join(t, p)
		}
	}
	t.Placeholder = false
	p := t.Proc
	if ppid, ok := s.num("ptid"); ok && (p.PPID < 0 || p.parent == nil) {
		s.adopt(p, ppid)
	}
	setInt(s, &t.VTID, "vtid")
	setInt(s, &p.VPID, "vpid")
	setInt(s, &p.FDLimit, "fdlimit")
	setInt(s, &t.MajFault, "pgft_maj")
	setInt(s, &t.MinFault, "pgft_min")
	s.memory()
	if t.Comm == NA || t.Comm == "" {
		s.set(&t.Comm, "comm")
	}
	if program {
		s.set(&p.Exe, "exe")
		if b, _ := s.find("args"); b != nil {
			p.Args = splitInto(p.Args, b)
		}
		if b, _ := s.find("cgroups"); len(b) > 0 {
			p.Cgroups = splitInto(p.Cgroups, b)
		}
	}
	if t.UID == NoID {
		setInt(s, &t.UID, "uid")
	}
	if t.GID == NoID {
		setInt(s, &t.GID, "gid")
	}
}

// splitInto is split that keeps have where it is the same, so that processes
// go on sharing one list.
func splitInto(have []string, b []byte) []string {
	if len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	} else if len(b) == 0 {
		return nil
	}
	rest := b
	for i, h := range have {
		n := len(h)
		if len(rest) < n || string(rest[:n]) != h || len(rest) > n && rest[n] != 0 {
			break
		}
		if len(rest) == n {
			if i == len(have)-1 {
				return have
			}
			break
		}
		rest = rest[n+1:]
	}
	return strings.Split(string(b), "\x00") // the last may be empty
}

// memory takes the sizes that some events carry.
func (s *State) memory() {
	if t := s.thread; t != nil {
		setInt(s, &t.VMSize, "vm_size")
		setInt(s, &t.VMRSS, "vm_rss")
		setInt(s, &t.VMSwap, "vm_swap")
	}
}
