package kernel

import (
	"fmt"
	"slices"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/driver"
)

// A kernel driver's events have the ids of the initial PID namespace, while /proc, and
// whoever gives us a PID, uses those of the one that we run in.

// Snapshot returns what look finds in /proc, with the ids that the events of a driver
// have. Threads that were made since are left out: the driver, which must be at work,
// has told of them.
func Snapshot(d Driver, look func() *snapshot.State) (*snapshot.State, error) {
	ids, err := idsOf(d)
	if err != nil {
		return nil, err
	}
	snap := look()
	if ids == nil {
		return snap, nil
	}
	rename(snap, ids)
	return snap, nil
}

// rename gives threads their initial ids.
func rename(snap *snapshot.State, ids []driver.IDs) {
	byOwn := make(map[int64]*driver.IDs, len(ids))
	for i := range ids {
		byOwn[int64(ids[i].Own)] = &ids[i]
	}
	snap.Threads = slices.DeleteFunc(snap.Threads, func(t snapshot.Thread) bool { return byOwn[t.TID] == nil })
	for i := range snap.Threads {
		t := &snap.Threads[i]
		id := byOwn[t.TID]
		t.TID, t.PID, t.PTID = int64(id.TID), int64(id.PID), int64(id.PPID)
		if t.PGID >= 0 {
			t.PGID = int64(id.PGID)
		}
		if t.SID >= 0 {
			t.SID = int64(id.SID)
		}
	}
	snap.InitialIDs = true
}

// Process returns the process, as it is called here, of a thread that an event of a
// driver names; 0 if there is none any more.
func Process(d Driver, tid int64) int {
	ids, err := idsOf(d)
	if err != nil {
		return 0
	}
	if ids == nil {
		return procfs.StatusOf(int(tid)).Tgid
	}
	var pid uint32
	for i := range ids {
		if int64(ids[i].TID) == tid {
			pid = ids[i].PID
		}
	}
	for i := range ids {
		if pid != 0 && ids[i].TID == pid {
			return int(ids[i].Own)
		}
	}
	return 0
}

func idsOf(d Driver) ([]driver.IDs, error) {
	n, ok := d.(driver.Namer)
	if !ok {
		return nil, nil
	}
	ids, err := n.IDs()
	if err != nil {
		return nil, fmt.Errorf("tell what processes are called outside of this PID namespace: %w", err)
	}
	return ids, nil
}
