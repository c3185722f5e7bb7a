package stream

import (
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestIntroduce: a state that hears the events knows the threads.
func TestIntroduce(t *testing.T) {
	snap := processes(300, 200, 100)
	snap.Threads[0].PTID = 200
	snap.Threads[1].PTID = 100
	snap.Threads = append(snap.Threads, snapshot.Thread{TID: 301, PID: 300, PTID: 200, VTID: 5, VPID: 4, Comm: "helper"})
	snap.Threads[1].CWD = "/srv/"
	snap.Threads[0].Args = []string{"-x", ""}
	snap.Threads[0].Cgroups = []string{"cpu=/a", "memory=/b"}
	snap.Threads = append(snap.Threads, processes(7, 8).Threads...) // parents of one another
	snap.Threads[4].PTID, snap.Threads[5].PTID = 8, 7
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		st := state.New(nil)
		i := Introduce(snap, 5, in)
		var ev event.Event
		var order []int64
		for i.Next(&ev) {
			st.Apply(&ev)
			if ev.Type() == event.CloneX {
				order = append(order, ev.TID())
			}
		}
		if len(order) != len(snap.Threads) || order[0] != 100 || order[1] != 200 || order[2] != 300 {
			t.Errorf("order %v", order)
		}
		p := st.LookupProcess(300)
		if p == nil || p.Exe != "work" || len(p.Args) != 2 || len(p.Cgroups) != 2 || p.Parent() == nil || p.Parent().PID != 200 || p.Threads() != 2 {
			t.Errorf("%+v", p)
		}
		if th := st.Lookup(200); th == nil || th.CWD() != "/srv/" {
			t.Errorf("the directory of 200 is not known: %+v", th)
		}
	}
}
