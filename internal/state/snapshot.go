package state

import (
	"net/netip"
	"slices"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// Snapshot returns what is known now, in the form that New and Add take: for a
// reader that comes in the middle. Threads that nothing but the id is known of are
// left out; what events do not tell (sizes of files, link speeds) is as it was in
// the first snapshot, or zero.
//
// What the event just applied has closed or ended is among it until Finish, for readers
// that are shown the event.
func (s *State) Snapshot() *snapshot.State {
	out := &snapshot.State{Machine: s.Machine, Interfaces: s.interfaces}
	for _, u := range s.users {
		out.Users = append(out.Users, u)
	}
	for _, g := range s.groups {
		out.Groups = append(out.Groups, g)
	}
	slices.SortFunc(out.Users, func(a, b snapshot.User) int { return int(int64(a.UID) - int64(b.UID)) })
	slices.SortFunc(out.Groups, func(a, b snapshot.Group) int { return int(int64(a.GID) - int64(b.GID)) })
	tids := make([]int64, 0, len(s.threads))
	for tid, t := range s.threads {
		if !t.Placeholder && t.Proc.PID >= 0 {
			tids = append(tids, tid)
		}
	}
	slices.Sort(tids)
	for _, tid := range tids {
		out.Threads = append(out.Threads, saveThread(s.threads[tid]))
	}
	return out
}

// Finish forgets what the event just applied has closed or ended, as the next Apply
// does.
func (s *State) Finish() { s.finish() }

func saveThread(t *Thread) snapshot.Thread {
	p := t.Proc
	out := snapshot.Thread{
		TID: t.TID, PID: p.PID, PTID: p.PPID, SID: p.SID, VPGID: p.VPGID, PGID: p.PGID,
		VTID: t.VTID, VPID: p.VPID,
		Comm: t.Comm, Exe: p.Exe, ExePath: p.ExePath, Args: p.Args, Env: p.Env, CWD: t.fs.cwd, Root: t.fs.root,
		Cgroups: p.Cgroups, FDLimit: p.FDLimit, UID: t.UID, GID: t.GID, LoginUID: t.LoginUID,
		VMSize: t.VMSize, VMRSS: t.VMRSS, VMSwap: t.VMSwap, MajFault: t.MajFault, MinFault: t.MinFault,
		TTY: p.TTY, CapInh: t.CapInh, CapPrm: t.CapPrm, CapEff: t.CapEff, ExeIno: p.ExeIno,
	}
	if t.born == bornChild {
		out.Flags = cloneInverted
	}
	if t.TID != p.PID {
		out.Flags |= cloneThread | cloneFiles
		return out // its descriptors are the leader's
	}
	nums := make([]int64, 0, len(t.files.m))
	for num := range t.files.m {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	for _, num := range nums {
		out.FDs = append(out.FDs, saveFD(num, t.files.m[num]))
	}
	return out
}

func saveFD(num int64, f *FD) snapshot.FD {
	return snapshot.FD{
		FD: num, Type: f.Type, Name: f.Name, Flags: f.Flags, Dev: f.Dev, Ino: f.Ino, Proto: f.Proto,
		SrcIP: ip(f.Src), DstIP: ip(f.Dst), SrcPort: f.Src.Port(), DstPort: f.Dst.Port(),
		SrcPtr: f.SrcPtr, DstPtr: f.DstPtr,
	}
}

func ip(a netip.AddrPort) []byte {
	if !a.IsValid() {
		return nil
	}
	return a.Addr().AsSlice()
}

// Add takes over the threads of snap besides those that are known: a further
// machine or container, or one that is described anew. What was known of the
// processes in snap is forgotten.
func (s *State) Add(snap *snapshot.State) {
	s.finish()
	for i := range snap.Threads {
		if p := s.procs[snap.Threads[i].PID]; p != nil {
			for len(p.threads) > 0 {
				s.drop(p.threads[0])
			}
		}
	}
	s.load(snap)
}

// Forget removes the threads that gone reports true for.
func (s *State) Forget(gone func(tid int64) bool) {
	s.finish()
	for tid, t := range s.threads {
		if gone(tid) {
			s.drop(t)
		}
	}
}

// drop forgets a thread, a leader too.
func (s *State) drop(t *Thread) {
	if s.threads[t.TID] == t {
		delete(s.threads, t.TID)
	}
	t.files.refs--
	s.leave(t)
}
