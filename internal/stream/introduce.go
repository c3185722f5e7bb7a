package stream

import (
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Portable clone flags (PPM_CL_*).
const (
	clFiles    = 1
	clThread   = 1 << 13
	clInPIDNS  = 1 << 29
	maxStrings = 4096 // bytes of an argument list or of cgroups in an event
)

// An Introducer tells of the threads in a snapshot by events, for readers that take
// nothing but events and did not see how those threads came to be: for each the exit
// event of clone in the new thread, as if it had just been made, parents first, and that
// of getcwd for its directory. (An execve would tell more, and be taken for a program
// that was just started; opens for what is open would be taken for access to it.)
type Introducer struct {
	list []*snapshot.Thread
	next int
	cwd  *snapshot.Thread // whose directory is to be told of next, nil for none
	ts   uint64
	in   spec.Profile
	b    event.Builder
}

// Introduce returns the events for a snapshot, all at time ts (ns since the epoch), in
// an edition.
func Introduce(snap *snapshot.State, ts uint64, in spec.Profile) *Introducer {
	i := &Introducer{ts: ts, in: in}
	byTID := make(map[int64]*snapshot.Thread, len(snap.Threads))
	for k := range snap.Threads {
		byTID[snap.Threads[k].TID] = &snap.Threads[k]
	}
	told := make(map[*snapshot.Thread]bool, len(byTID))
	for k := range snap.Threads {
		// Up to the first ancestor that has been told of, then down again. A cycle,
		// which a hostile snapshot may have, ends there too.
		first := len(i.list)
		for t := &snap.Threads[k]; t != nil && !told[t]; {
			told[t] = true
			i.list = append(i.list, t)
			if t.TID != t.PID {
				t = byTID[t.PID]
			} else {
				t = byTID[t.PTID]
			}
		}
		for a, b := first, len(i.list)-1; a < b; a, b = a+1, b-1 {
			i.list[a], i.list[b] = i.list[b], i.list[a]
		}
	}
	return i
}

// Next stores the next event in ev, valid until the next call. It reports false when
// there are no more.
func (i *Introducer) Next(ev *event.Event) bool {
	i.b.Reset()
	switch {
	case i.cwd != nil:
		i.b.Begin(event.GetcwdX, i.ts, i.cwd.TID, 2)
		i.b.PutS64(0)
		i.b.PutString(i.cwd.CWD[:min(len(i.cwd.CWD), maxStrings-1)])
		i.cwd = nil
	case i.next < len(i.list):
		t := i.list[i.next]
		i.next++
		row := event.CloneX.Row()
		i.b.Begin(event.CloneX, i.ts, t.TID, row.NumParams(i.in))
		for k := range row.NumParams(i.in) {
			i.put(row.Params[k].Name, t)
		}
		if t.TID == t.PID && t.CWD != "" {
			i.cwd = t // threads share it
		}
	default:
		return false
	}
	if _, err := ev.Parse(i.b.End()); err != nil {
		panic(err) // what a Builder makes can be parsed
	}
	ev.CPU, ev.Flags = 0, 0
	return true
}

// put appends the parameter of a name.
func (i *Introducer) put(name string, t *snapshot.Thread) {
	b := &i.b
	switch name {
	case "res":
		b.PutS64(0)
	case "exe":
		b.PutString(t.Exe[:min(len(t.Exe), maxStrings-1)])
	case "args":
		b.PutBytes(nulEnded(t.Args))
	case "tid":
		b.PutS64(t.TID)
	case "pid":
		b.PutS64(t.PID)
	case "ptid":
		b.PutS64(t.PTID)
	case "cwd":
		b.PutString(t.CWD[:min(len(t.CWD), maxStrings-1)])
	case "fdlimit":
		b.PutS64(t.FDLimit)
	case "pgft_maj":
		b.PutU64(t.MajFault)
	case "pgft_min":
		b.PutU64(t.MinFault)
	case "vm_size":
		b.PutU32(t.VMSize)
	case "vm_rss":
		b.PutU32(t.VMRSS)
	case "vm_swap":
		b.PutU32(t.VMSwap)
	case "comm":
		b.PutString(t.Comm[:min(len(t.Comm), maxStrings-1)])
	case "cgroups":
		b.PutBytes(nulEnded(t.Cgroups))
	case "flags":
		b.PutU32(i.flags(t))
	case "uid":
		b.PutU32(t.UID)
	case "gid":
		b.PutU32(t.GID)
	case "vtid":
		b.PutS64(t.VTID)
	case "vpid":
		b.PutS64(t.VPID)
	case "pidns_init_start_ts":
		b.PutU64(t.PIDNSInitStart)
	default:
		b.PutEmpty()
	}
}

// flags are those that the thread would have been made with.
func (i *Introducer) flags(t *snapshot.Thread) (flags uint32) {
	if t.TID != t.PID {
		flags |= clThread | clFiles
	}
	if t.VTID != t.TID {
		flags |= clInPIDNS
	}
	return flags
}

// nulEnded joins strings, each with its NUL.
func nulEnded(list []string) (b []byte) {
	for _, s := range list {
		if len(b)+len(s)+1 > maxStrings {
			break
		}
		b = append(append(b, s...), 0)
	}
	return b
}
