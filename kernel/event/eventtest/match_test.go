package eventtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// events parses lines of the text form into what a driver delivered.
func events(t *testing.T, lines string) *log {
	t.Helper()
	var l log
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var b event.Builder
		if err := event.ParseText(line, &b); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var ev event.Event
		if _, err := ev.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		l.add(&ev)
	}
	return &l
}

// TestMatch: what agrees passes, and each way to disagree is noticed.
func TestMatch(t *testing.T) {
	const mark = "Dup3X ts=0 tid=7 res=-9 oldfd=-7777 newfd=-7778 flags=0x0\n"
	const unmark = "Dup3X ts=0 tid=7 res=-9 oldfd=-7778 newfd=-7779 flags=0x0\n"
	const closed = "CloseX ts=1 tid=7 res=-9 fd=5\n"
	const link = `LinkX ts=1 tid=7 res=0 oldpath="a" newpath=-` + "\n"
	closing := `{"event":"CloseX","tid":7,"params":{"res":-9,"fd":5}}`
	linking := `{"event":"LinkX","tid":7,"params":{"res":0,"oldpath":"a","newpath":null}}`
	for _, c := range []struct {
		name, events string
		in           spec.Profile
		statements   []string
		fails        string // part of a failure, "" for none
	}{
		{"the same", closed + link, spec.Current, []string{closing, linking}, ""},
		{"outside of the marks", closed + mark + link + unmark + closed, spec.Current, []string{linking}, ""},
		{"enter derived", "CloseE ts=1 tid=7 fd=5\nCloseX ts=1 tid=7 res=-9\n", spec.V036, []string{closing}, ""},
		{"another value", closed, spec.Current, []string{`{"event":"CloseX","tid":7,"params":{"res":-9,"fd":6}}`}, "fd: want 6"},
		{"a value not stated", closed, spec.Current, []string{`{"event":"CloseX","tid":7,"params":{"res":-9}}`}, "nothing was stated"},
		{"missing", closed, spec.Current, []string{closing, linking}, "no LinkX"},
		{"too many", closed + closed, spec.Current, []string{closing}, "too many"},
		{"another order", link + closed, spec.Current, []string{closing, linking}, "too many"},
		{"another thread", strings.ReplaceAll(closed, "tid=7", "tid=8"), spec.Current, []string{closing}, "no CloseX"},
		{"no enter event", "CloseX ts=1 tid=7 res=-9\n", spec.V036, []string{closing}, "no CloseE"},
		{"too many parameters", closed, spec.V036, []string{`{"event":"CloseX","tid":7,"noenter":true,"params":{"res":-9}}`}, "2 parameters, want 1"},
		{"unknown event", closed, spec.Current, []string{`{"event":"NopeX","tid":7}`}, "unknown event"},
		{"may be missing", closed, spec.Current, []string{closing, `{"event":"LinkX","tid":7,"maybe":true,"params":{}}`}, ""},
		{"names", closeRange("0x4"), spec.Current, []string{closeOnExec}, ""},
		{"a flag that cannot be told", closeRange("0x6"), spec.Current, []string{closeOnExec}, ""},
		{"and another that can", closeRange("0x2"), spec.Current, []string{closeOnExec}, "flags: want 0x4"},
		{"an edition without the event", "GenericE ts=1 tid=7 ID=331 nativeID=436\nGenericX ts=1 tid=7 ID=331\n", spec.V036,
			[]string{`{"event":"NewfstatatX","tid":7,"params":{}}`}, "ID: want"},
		{"identities", pairs("5", "6") + pairs("6", "5"), spec.Current, []string{pairing("a", "b"), pairing("b", "a")}, ""},
		{"one identity for two", pairs("5", "5"), spec.Current, []string{pairing("a", "b")}, "another value"},
		{"two for one identity", pairs("5", "6") + pairs("7", "6"), spec.Current, []string{pairing("a", "b"), pairing("a", "b")}, "as a before"},
	} {
		m := matcher{in: c.in, unknown: "NO_SUCH_FLAG|CLOSE_RANGE_UNSHARE", log: events(t, c.events), vars: make(map[string]uint64)}
		var list []*statement
		for _, text := range c.statements {
			s := new(statement)
			if err := json.Unmarshal([]byte(text), s); err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		m.run(list)
		got := strings.Join(m.failures, "\n")
		if c.fails == "" && got != "" || !strings.Contains(got, c.fails) {
			t.Errorf("%s: failures %q, want %q", c.name, got, c.fails)
		}
	}
}

const closeOnExec = `{"event":"CloseRangeX","tid":7,"params":{"res":0,"first":{"min":1},"last":{"max":2},"flags":{"names":"CLOSE_RANGE_CLOEXEC"}}}`

func closeRange(flags string) string {
	return "CloseRangeX ts=1 tid=7 res=0 first=1 last=2 flags=" + flags + "\n"
}

func pairs(a, b string) string {
	return "SocketpairX ts=1 tid=7 res=0 fd1=1 fd2=2 source=" + a + " peer=" + b + " domain=1 type=1 proto=0\n"
}

func pairing(a, b string) string {
	return `{"event":"SocketpairX","tid":7,"params":{"res":0,"fd1":1,"fd2":2,"source":{"var":"` + a + `"},"peer":{"var":"` + b +
		`"},"domain":1,"type":1,"proto":0}}`
}

// TestCases: names are what users select by, so there is one of each.
func TestCases(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Cases() {
		if seen[c.Name] {
			t.Errorf("two cases %q", c.Name)
		}
		seen[c.Name] = true
		if c.Does == "" || (c.Run == nil) == (c.Program == "") {
			t.Errorf("case %q: want a description, and either a function or a program", c.Name)
		}
	}
}
