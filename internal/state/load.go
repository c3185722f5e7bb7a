package state

import (
	"net/netip"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// Portable clone flags (PPM_CL_*) that say what a thread shares.
const (
	cloneFiles     = 1
	cloneFS        = 2
	cloneNewPID    = 1 << 6
	cloneParent    = 1 << 8
	cloneThread    = 1 << 13
	cloneInverted  = 1 << 16 // the child's event came, its parent's is still to come
	cloneInPIDNS   = 1 << 29
	openCloexec    = 1 << 12 // PPM_O_CLOEXEC
	openDirectory  = 1 << 10 // PPM_O_DIRECTORY
	openCreated    = 1 << 14 // PPM_O_F_CREATED
	execveMemfd    = 4
	closeCloexec   = 4 // PPM_CLOSE_RANGE_CLOEXEC
	rlimitNoFile   = 7
	prctlSetName   = 15
	commLen        = 15
	execveEmptyDir = 1 // PPM_EXVAT_AT_EMPTY_PATH
)

// load takes over a snapshot. None of its processes are known yet.
func (s *State) load(snap *snapshot.State) {
	if snap.Machine != (snapshot.Machine{}) {
		s.Machine, s.interfaces = snap.Machine, snap.Interfaces
	}
	for _, u := range snap.Users {
		s.users[u.UID] = u
	}
	for _, g := range snap.Groups {
		s.groups[g.GID] = g
	}
	for i := range snap.Threads {
		s.loadThread(&snap.Threads[i])
	}
	for i := range snap.Threads {
		t := s.threads[snap.Threads[i].TID]
		if t == nil {
			continue // there were too many
		}
		p := t.Proc
		s.adopt(p, p.PPID) // parents may be listed after their children
		if p.Leader != nil && p.Leader != t {
			share(t, p.Leader)
		}
	}
}

// share lets a thread use the leader's descriptors and directory.
func share(t, leader *Thread) {
	t.files.refs--
	t.files, t.fs = leader.files, leader.fs
	t.files.refs++
}

func (s *State) loadThread(in *snapshot.Thread) {
	t := newThread(in.TID)
	t.Proc = nil
	if in.Flags&cloneInverted != 0 {
		t.born = bornChild
	}
	s.list(t)
	p := s.procs[in.PID]
	if p == nil || in.TID == in.PID {
		p = s.process(in.PID)
		p.PPID, p.VPID, p.SID, p.VPGID, p.PGID = in.PTID, in.VPID, in.SID, in.VPGID, in.PGID
		p.Exe, p.ExePath, p.Args, p.Env, p.Cgroups = in.Exe, in.ExePath, in.Args, in.Env, in.Cgroups
		p.FDLimit, p.TTY, p.ExeIno = in.FDLimit, in.TTY, in.ExeIno
	}
	s.join(t, p)
	t.VTID, t.Comm = in.VTID, in.Comm
	t.UID, t.GID, t.LoginUID = in.UID, in.GID, in.LoginUID
	t.VMSize, t.VMRSS, t.VMSwap = in.VMSize, in.VMRSS, in.VMSwap
	t.MajFault, t.MinFault = in.MajFault, in.MinFault
	t.CapInh, t.CapPrm, t.CapEff = in.CapInh, in.CapPrm, in.CapEff
	t.fs.cwd, t.fs.root = dir(in.CWD), in.Root
	for i := range in.FDs {
		fd := &in.FDs[i]
		s.add(t, fd.FD, loadFD(fd))
	}
}

func loadFD(in *snapshot.FD) FD {
	f := FD{
		Type: in.Type, Name: in.Name, Flags: in.Flags, Dev: in.Dev, Ino: in.Ino,
		Proto: in.Proto, SrcPtr: in.SrcPtr, DstPtr: in.DstPtr,
	}
	f.Src, f.Dst = addrPort(in.SrcIP, in.SrcPort), addrPort(in.DstIP, in.DstPort)
	switch {
	case f.isTuple():
		// Which end it is gets known with the listening sockets; a reader of
		// captures takes it for the client (libsinsp).
		f.Role = Client
		unmapTuple(&f)
		f.Name = f.tupleName()
	case f.IsListener():
		f.Role = Server
		f.Name = string(appendAddrPort(nil, f.Src))
	}
	return f
}

func addrPort(ip []byte, port uint16) netip.AddrPort {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, port)
}

// dir gives a directory its final slash.
func dir(path string) string {
	if path == "" || path[len(path)-1] == '/' {
		return path
	}
	return path + "/"
}
