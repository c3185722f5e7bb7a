package differential

import (
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
)

// logOf makes a log of events in text form.
func logOf(t *testing.T, driver string, lines ...string) *Log {
	t.Helper()
	l := &Log{Driver: driver}
	var b event.Builder
	for _, line := range lines {
		b.Reset()
		if err := event.ParseText(line, &b); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var ev event.Event
		if _, err := ev.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		l.Add(&ev)
	}
	return l
}

func TestCompare(t *testing.T) {
	var b event.Builder
	b.Begin(event.CloseX, 1, 7, 2)
	b.PutS64(0)
	b.PutS64(3)
	b.End()
	var ev event.Event
	if _, err := ev.Parse(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	line := string(event.AppendText(nil, &ev))
	other := strings.Replace(line, "3", "4", 1)
	b.Reset()
	b.Begin(event.DupX, 1, 7, 2)
	b.PutS64(0)
	b.PutS64(3)
	b.End()
	if _, err := ev.Parse(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	dup := string(event.AppendText(nil, &ev))
	for _, c := range []struct {
		what   string
		a, b   []string
		events int
		bad    int
	}{
		{"the same", []string{line, dup}, []string{line, dup}, 2, 0},
		{"one missing", []string{line, dup, line}, []string{line, line}, 2, 1},
		{"one twice", []string{line, dup}, []string{line, line, dup}, 2, 1},
		{"out of order", []string{line, dup, line, line, line}, []string{dup, line, line, line, line}, 4, 2},
		{"another value", []string{line}, []string{other}, 1, 1},
		{"nothing on one side", []string{line, line}, nil, 0, 2},
	} {
		r := Compare(logOf(t, Ptrace, c.a...), logOf(t, ModernBPF, c.b...))
		if r.Events != c.events || len(r.Differences) != c.bad {
			t.Errorf("%s: %d events, %d differences: %q", c.what, r.Events, len(r.Differences), r.Differences)
		}
	}
}

// TestAllowed: what a tracer is not told of makes no gap, and hides none.
func TestAllowed(t *testing.T) {
	const (
		closed  = "CloseX ts=1 tid=7 res=0 fd=3"
		ignored = "SignalDeliverE ts=1 tid=7 spid=8 dpid=7 sig=17"
		handled = "SignalDeliverE ts=1 tid=7 spid=8 dpid=7 sig=10"
		ended   = "ProcExitE ts=1 tid=7 status=9 ret=0 sig=9 core=0 reaper_tid=0"
		slept   = "NanosleepX ts=1 tid=7 res=0 interval=20000"
		unread  = "NanosleepX ts=1 tid=7 res=0 interval=0"
		failed  = "NanosleepX ts=1 tid=7 res=-4 interval=20000"
	)
	for _, c := range []struct {
		what  string
		a, b  []string
		n, ok int // differences, and those that are allowed
	}{
		{"an ignored signal", []string{closed, closed}, []string{closed, ignored, closed}, 0, 1},
		{"seen by the tracer alone", []string{closed, ignored, closed}, []string{closed, closed}, 1, 0},
		{"another signal", []string{closed, closed}, []string{closed, handled, closed}, 1, 0},
		{"the end of a call that was killed", []string{ended}, []string{closed, ended}, 0, 1},
		{"of one that was not", []string{closed, ended}, []string{closed, closed, closed, ended}, 1, 1},
		{"memory of who was killed", []string{unread, ended}, []string{slept, ended}, 0, 1},
		{"of who was not", []string{unread, closed, ended}, []string{slept, closed, ended}, 1, 0},
		{"of who was not yet", []string{unread, ended}, []string{slept, closed, ended}, 1, 1},
		{"what the probe does not read", []string{slept, ended}, []string{unread, ended}, 1, 0},
		{"what is read, but is another", []string{slept, ended}, []string{strings.Replace(slept, "2", "3", 1), ended}, 1, 0},
		{"the result of who was killed", []string{slept, ended}, []string{failed, ended}, 1, 0},
	} {
		r := Compare(logOf(t, Ptrace, c.a...), logOf(t, ModernBPF, c.b...))
		ok := 0
		for _, n := range r.Allowed {
			ok += n
		}
		if len(r.Differences) != c.n || ok != c.ok {
			t.Errorf("%s: %d allowed, differences %q", c.what, ok, r.Differences)
		}
	}
}

func TestIdentities(t *testing.T) {
	le := func(v byte) []byte { return []byte{v, 0, 0, 0, 0, 0, 0, 0} }
	d := newIdentities()
	for i, c := range []struct {
		x, y byte
		same bool
	}{
		{1, 101, true}, {2, 102, true}, {1, 101, true}, {1, 102, false}, {0, 0, true}, {0, 102, false},
		{3, 101, true},  // the address of 1 is used again
		{3, 102, false}, // which is still 2
		{1, 103, true},
	} {
		if got := d.pair(le(c.x), le(c.y)); got != c.same {
			t.Errorf("%d: %d and %d: %v", i, c.x, c.y, got)
		}
	}
}
