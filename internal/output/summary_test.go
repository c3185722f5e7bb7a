package output

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
)

func TestSummary(t *testing.T) {
	s := NewSummary()
	write(t, s,
		build(t, testTime, 100, event.OpenatX, 5, cwd, "a", 0, 0, 0, 7),
		build(t, testTime+1, 100, event.ReadX, 10, []byte("0123456789"), 5, 10),
		build(t, testTime+2, 100, event.ReadX, -9, nil, 5, 10),
		build(t, testTime+3, 100, event.WriteE, 5, 3),
		build(t, testTime+4, 100, event.WriteX, 3, []byte("abc"), 5, 3),
		build(t, testTime+5, 100, event.SocketX, 6, 2, 1, 6),
		build(t, testTime+6, 100, event.ConnectX, 0, tuple(sock4(1, 4000), sock4(2, 80)), 6, nil),
		build(t, testTime+7, 100, event.SendmmsgX, 2, 6, 100, nil, nil), // two messages: the second is an event of its own
		build(t, testTime+8, 100, event.SendmmsgX, 2, 6, 11, nil, nil),
		build(t, testTime+9, 100, event.CopyFileRangeX, 4, 5, 0, 3, 0, 9),
		build(t, testTime+9, 1, event.GetcwdX, -34, nil),
		build(t, testTime+10, 999, event.GetcwdX, 2, "/"), // of a thread that nothing is known of
	)
	r := s.Report()
	if r.Total != 12 || r.First != testTime || r.Last != testTime+10 {
		t.Errorf("total %d, %d to %d", r.Total, r.First, r.Last)
	}
	want := map[string][]Tally{
		"events": {
			{Name: "getcwd", Events: 2, Errors: 1}, {Name: "read", Events: 2, Errors: 1, Read: 10},
			{Name: "sendmmsg", Events: 2, Written: 111}, {Name: "write", Events: 2, Written: 3, Time: 1},
			{Name: "connect", Events: 1}, {Name: "copy_file_range", Events: 1, Read: 4, Written: 4},
			{Name: "openat", Events: 1}, {Name: "socket", Events: 1},
		},
		"processes":   {{Name: "sh", PID: 100, Events: 10, Errors: 1, Read: 14, Written: 118, Time: 1}, {Name: "init", PID: 1, Events: 1, Errors: 1}},
		"files":       {{Name: "/root/a", Events: 6, Errors: 1, Read: 10, Written: 7, Time: 1}, {Name: "/etc", Events: 1, Read: 4}},
		"connections": {{Name: "127.0.0.1:4000->127.0.0.2:80", Events: 3, Written: 111}},
	}
	for kind, got := range map[string][]Tally{"events": r.Events, "processes": r.Processes, "files": r.Files, "connections": r.Connections} {
		if !reflect.DeepEqual(got, want[kind]) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", kind, got, want[kind])
		}
	}
}

// Where there are too many names, the busy ones stay and none is lost in the sum.
func TestSummaryBounded(t *testing.T) {
	var g group
	const names = 3 * maxTallies
	for i := range names {
		g.named(fmt.Appendf(nil, "rare %d", i)).add(Tally{Events: 1, Read: 2})
		g.named([]byte("busy")).add(Tally{Events: 1})
	}
	list := g.sorted(func(t *Tally) uint64 { return t.Events })
	if len(list) > maxTallies+1 || list[0].Name != "busy" || list[0].Events != names || list[len(list)-1].Name != Others {
		t.Errorf("%d tallies, first %+v, last %+v", len(list), list[0], list[len(list)-1])
	}
	var sum Tally
	for _, x := range list {
		sum.add(x)
	}
	if sum.Events != 2*names || sum.Read != 2*names {
		t.Errorf("sum %+v", sum)
	}
}
