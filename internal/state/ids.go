package state

import (
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

const pidPrefix = "/proc/"

// pidName names a pid descriptor, pidOfName finds the process again.
func pidName(pid int64) string { return pidPrefix + strconv.FormatInt(pid, 10) }

func pidOfName(name string) int64 {
	pid, err := strconv.ParseInt(strings.TrimPrefix(name, pidPrefix), 10, 64)
	if err != nil {
		return -1
	}
	return pid
}

func chdir(s *State) {
	if path, ok := s.text("path"); ok && s.succeeded() {
		s.cd(join(s.thread.fs.cwd, path))
	}
}

func fchdir(s *State) {
	if s.succeeded() && s.fd != nil && s.fd.Name != "" {
		s.cd(s.fd.Name)
	}
}

func getcwd(s *State) {
	if path, ok := s.text("path"); ok && s.succeeded() {
		s.cd(string(path))
	}
}

func (s *State) cd(path string) {
	if path = dir(path); path != s.thread.fs.cwd {
		s.thread.fs.cwd = path
	}
}

func chroot(s *State) {
	if path, ok := s.text("path"); ok && s.succeeded() {
		s.thread.fs.root = join(s.thread.fs.cwd, path)
	}
}

func prctl(s *State) {
	opt, _ := s.num("option")
	if opt != prctlSetName || !s.succeeded() {
		return
	}
	if name, ok := s.text("arg2_str"); ok {
		s.thread.Comm = string(name[:min(len(name), commLen)])
	}
}

func setsid(s *State) {
	if id, ok := s.result(); ok && id >= 0 {
		p := s.thread.Proc
		p.SID, p.VPGID, p.TTY = id, id, 0
		if p.PGID >= 0 || id == p.PID {
			p.PGID = id
		}
	}
}

func setpgid(s *State) {
	if !s.succeeded() {
		return
	}
	pid, _ := s.num("pid")
	pgid, ok := s.num("pgid")
	p := s.thread.Proc
	if pid != 0 && pid != p.PID {
		p = s.procs[pid]
	}
	if !ok || p == nil {
		return
	}
	if pgid == 0 {
		pgid = p.PID
	}
	p.VPGID = pgid
	if s.thread.VTID < 0 || s.thread.VTID == s.thread.TID { // ids are those of the initial namespace
		p.PGID = pgid
	}
}

// unshare gives the thread a table or directory of its own.
func unshare(s *State) {
	flags, _ := s.num("flags")
	if !s.succeeded() {
		return
	}
	t := s.thread
	if flags&cloneFiles != 0 && t.files.refs > 1 {
		t.files.refs--
		t.files = t.files.clone()
	}
	if flags&cloneFS != 0 {
		own := *t.fs
		t.fs = &own
	}
}

// setids takes the effective ids that a call has set. All ones leave an id as
// it is.
func setids(s *State) {
	if !s.succeeded() {
		return
	}
	for _, name := range [...]string{"uid", "euid"} {
		if id, ok := s.num(name); ok && uint32(id) != NoID {
			s.thread.UID = uint32(id)
		}
	}
	for _, name := range [...]string{"gid", "egid"} {
		if id, ok := s.num(name); ok && uint32(id) != NoID {
			s.thread.GID = uint32(id)
		}
	}
}

func capset(s *State) {
	if s.succeeded() {
		setInt(s, &s.thread.CapInh, "cap_inheritable")
		setInt(s, &s.thread.CapPrm, "cap_permitted")
		setInt(s, &s.thread.CapEff, "cap_effective")
	}
}

func setrlimit(s *State) {
	what, ok := s.num("resource")
	if !ok || what != rlimitNoFile || !s.succeeded() {
		return
	}
	p := s.thread.Proc
	limit, ok := s.num("cur")
	if pid, isPr := s.num("pid"); isPr { // prlimit; it may only ask
		limit, ok = s.num("newcur")
		if limit == 0 || limit == -1 {
			limit, ok = s.num("oldcur")
		}
		if pid != 0 && pid != p.PID {
			p = s.procs[pid]
		}
	}
	if ok && p != nil && limit != -1 {
		p.FDLimit = limit
	}
}

// meta handles events that describe no thread: the user database.
func (s *State) meta() {
	switch s.ev.Type() {
	case event.UserAddedE:
		u := snapshot.User{}
		setInt(s, &u.UID, "uid")
		setInt(s, &u.GID, "gid")
		s.set(&u.Name, "name")
		s.set(&u.Home, "home")
		s.set(&u.Shell, "shell")
		s.users[u.UID] = u
	case event.UserDeletedE:
		if id, ok := s.num("uid"); ok {
			delete(s.users, uint32(id))
		}
	case event.GroupAddedE:
		g := snapshot.Group{}
		setInt(s, &g.GID, "gid")
		s.set(&g.Name, "name")
		s.groups[g.GID] = g
	case event.GroupDeletedE:
		if id, ok := s.num("gid"); ok {
			delete(s.groups, uint32(id))
		}
	}
}
