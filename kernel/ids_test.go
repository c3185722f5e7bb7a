package kernel

import (
	"os/exec"
	"testing"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestRename: threads get their initial ids, and those that are not known any more or
// not yet are left out.
func TestRename(t *testing.T) {
	snap := &snapshot.State{Threads: []snapshot.Thread{
		{TID: 1, PID: 1, PTID: 0, SID: 1, PGID: 1, VTID: 1, Comm: "init"},
		{TID: 7, PID: 7, PTID: 1, SID: -1, PGID: 1, VTID: 7, Comm: "shell"},
		{TID: 8, PID: 7, PTID: 1, SID: 1, PGID: -1, VTID: 8, Comm: "thread"},
		{TID: 9, PID: 9, PTID: 7, Comm: "new"},
	}}
	rename(snap, []driver.IDs{
		{Own: 8, TID: 108, PID: 107, PPID: 101, PGID: 101, SID: 55},
		{Own: 1, TID: 101, PID: 101, PPID: 50, PGID: 101, SID: 55},
		{Own: 7, TID: 107, PID: 107, PPID: 101, PGID: 101, SID: 55},
		{Own: 2, TID: 102, PID: 102, PPID: 101},
	})
	want := []snapshot.Thread{
		{TID: 101, PID: 101, PTID: 50, SID: 55, PGID: 101, VTID: 1, Comm: "init"},
		{TID: 107, PID: 107, PTID: 101, SID: -1, PGID: 101, VTID: 7, Comm: "shell"},
		{TID: 108, PID: 107, PTID: 101, SID: 55, PGID: -1, VTID: 8, Comm: "thread"},
	}
	if len(snap.Threads) != len(want) || !snap.InitialIDs {
		t.Fatalf("%+v", snap)
	}
	for i, w := range want {
		got := snap.Threads[i]
		if got.TID != w.TID || got.PID != w.PID || got.PTID != w.PTID || got.SID != w.SID || got.PGID != w.PGID || got.VTID != w.VTID || got.Comm != w.Comm {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
}

// BenchmarkSnapshot: what it takes to describe 1000 processes, by /proc, and what a BPF
// iterator takes to pass over them, which reads nothing but ids. Run it in a PID
// namespace of its own: unshare -pf --mount-proc go test ./kernel -run '^$' -bench Snapshot
func BenchmarkSnapshot(b *testing.B) {
	events, err := event.ParseSet("close", spec.Current)
	if err != nil {
		b.Fatal(err)
	}
	d, err := bpf.Open(Config{Profile: spec.Current, Events: events, Scope: Scope{Host: true}})
	if err != nil {
		b.Skip(err)
	}
	defer d.Close()
	for range 1000 {
		cmd := exec.Command("/bin/sleep", "1000")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		defer func() { cmd.Process.Kill(); cmd.Wait() }()
	}
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			procfs.Scan(nil, nil)
		}
	})
	b.Run("iterator", func(b *testing.B) {
		if !leadsElsewhere("/proc/self/ns/pid", initPIDNS) {
			b.Skip("ids are looked up in a PID namespace only")
		}
		for b.Loop() {
			if _, err := d.IDs(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
