package output

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// testTime is 2001-09-09 01:46:40.123456789 UTC.
const testTime = 1_000_000_000_123_456_789

// build makes an event of args: integers by the parameter's type, strings with a
// NUL, bytes as they are, nil for what is empty.
func build(t testing.TB, ts uint64, tid int64, typ event.Type, args ...any) *event.Event {
	t.Helper()
	row := typ.Row()
	var b event.Builder
	b.Begin(typ, ts, tid, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case nil:
			b.PutEmpty()
		case int:
			b.PutInt(row.Params[i].Type.Size(), uint64(a))
		case string:
			b.PutString(a)
		case []byte:
			b.PutBytes(a)
		default:
			t.Fatalf("%s: argument %d is a %T", typ, i, a)
		}
	}
	ev := new(event.Event)
	if _, err := ev.Parse(b.End()); err != nil {
		t.Fatal(err)
	}
	return ev
}

func testSnapshot() *snapshot.State {
	return &snapshot.State{
		Users:  []snapshot.User{{UID: 0, Name: "root", Home: "/root", Shell: "/bin/sh"}},
		Groups: []snapshot.Group{{GID: 0, Name: "root"}},
		Threads: []snapshot.Thread{
			{TID: 1, PID: 1, PTID: 0, VTID: 1, VPID: 1, Comm: "init", Exe: "/sbin/init", CWD: "/"},
			{TID: 100, PID: 100, PTID: 1, VTID: 100, VPID: 100, SID: 100, PGID: 100, Comm: "sh", Exe: "sh",
				ExePath: "/bin/sh", Args: []string{"-c", "ls"}, CWD: "/root/", FDs: []snapshot.FD{
					{FD: 0, Type: snapshot.FDFileV2, Name: "/dev/null", Flags: 1},
					{FD: 3, Type: snapshot.FDDir, Name: "/etc"},
					{FD: 4, Type: snapshot.FDFifo, Name: "pipe:[7]"},
				}},
		},
	}
}

func localUTC(t *testing.T) {
	old := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = old })
}

func write(t testing.TB, w Writer, evs ...*event.Event) {
	t.Helper()
	st := state.New(testSnapshot())
	for _, ev := range evs {
		st.Apply(ev)
		if err := w.Write(ev, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestText(t *testing.T) {
	localUTC(t)
	var out strings.Builder
	evs := []*event.Event{
		build(t, testTime, 100, event.OpenatX, 5, event.AtFDCWD, "../etc/hosts", 1, 0o644, 0x801, 77),
		build(t, testTime+1, 100, event.CloseX, 0, 5),
		build(t, testTime+2, 100, event.OpenX, -2, "no\x1b[31m", 3, 0, 0, 0),
		build(t, testTime+3, 7, event.GetuidX, 0),
		build(t, testTime+4, 100, event.GenericX, 16, 39),
		build(t, testTime+5, 100, event.NanosleepX, 0, 1_500_000_000),
	}
	evs[0].CPU = 3
	write(t, NewText(&out, Options{}), evs...)
	want := `1 01:46:40.123456789 3 sh (100.100) < openat fd=5(<f>/etc/hosts) dirfd=-100(AT_FDCWD) name=../etc/hosts(/etc/hosts) flags=1(O_RDONLY) mode=0644 dev=801 ino=77
2 01:46:40.123456790 0 sh (100.100) < close res=0 fd=5(<f>/etc/hosts)
3 01:46:40.123456791 0 sh (100.100) < open fd=-2(ENOENT) name=no.[31m(/root/no.[31m) flags=3(O_RDWR) mode=0 dev=0 ino=0
4 01:46:40.123456792 0 <NA> (-1.7) < getuid uid=0(root)
5 01:46:40.123456793 0 sh (100.100) < getpid
6 01:46:40.123456794 0 sh (100.100) < nanosleep res=0 interval=1500000000(1.5s)
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestColor(t *testing.T) {
	var out strings.Builder
	write(t, NewText(&out, Options{Color: true}), build(t, testTime, 100, event.ChdirX, -2, "x"))
	if !strings.Contains(out.String(), colorFail+"chdir"+colorOff) {
		t.Errorf("%q", out.String())
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	write(t, NewJSON(&out, Options{}),
		build(t, testTime, 100, event.OpenatX, 5, event.AtFDCWD, "ho\xffsts\n\x1b", 1, 0, 0, 77),
		build(t, testTime, 100, event.WriteX, 4, []byte("a\nb\""), 5, 4),
		build(t, testTime, 100, event.WriteX, 4, []byte("\x00\x01\xff"), 5, 4),
		build(t, testTime, 100, event.PollX, 1, []byte{1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 10),
		build(t, testTime, 100, event.ConnectX, -115, []byte{2, 127, 0, 0, 1, 0xa0, 0x0f, 127, 0, 0, 1, 80, 0}, 3, nil),
	)
	want := `{"evt.num":1,"evt.time":1000000000123456789,"evt.type":"openat","evt.dir":"<","evt.category":"file","evt.cpu":0,"proc.name":"sh","proc.pid":100,"thread.tid":100,"evt.info":"fd=5(<f>/root/ho.sts..) dirfd=-100(AT_FDCWD) name=ho.sts..(/root/ho.sts..) flags=1(O_RDONLY) mode=0 dev=0 ino=77","evt.args":{"fd":5,"dirfd":-100,"name":"ho�sts\n\u001b","name.base64":"aG//c3RzChs=","flags":1,"mode":0,"dev":0,"ino":77}}
"evt.args":{"res":4,"data":"a\nb\"","fd":5,"size":4}}
"evt.args":{"res":4,"data.base64":"AAH/","fd":5,"size":4}}
"evt.args":{"res":1,"fds":[{"fd":5,"events":1}],"timeout":10}}
"evt.args":{"res":-115,"tuple":"127.0.0.1:4000->127.0.0.1:80","fd":3,"addr":null}}
`
	got := strings.SplitAfter(out.String(), "\n")
	for i, w := range strings.SplitAfter(want, "\n") {
		if !strings.HasSuffix(got[i], w) {
			t.Errorf("got\n%swant\n%s", got[i], w)
		}
	}
}

func TestFormat(t *testing.T) {
	localUTC(t)
	for format, want := range map[string]string{
		"%evt.arg.name|%evt.arg[0]|%evt.rawarg.fd|%evt.res":        "/etc/hosts|<f>/etc/hosts|5|SUCCESS",
		"%proc.ppid %proc.pname %proc.aname[1] %proc.cmdline":      "1 init init sh -c ls",
		"%fd.num %fd.name %fd.directory %fd.filename %fd.typechar": "5 /etc/hosts /etc hosts f",
		"%user.uid %user.name %group.gid %proc.exepath %proc.cwd":  "0 root 0 /bin/sh /root/",
		"[%5evt.num] [%2proc.name] 100%% \\t.":                     "[1    ] [sh] 100% \t.",
		"%evt.datetime.s %evt.rawtime %evt.category.":              "2001-09-09 01:46:40 1000000000123456789 file.",
		"%fd.sip %evt.buffer":                                      "<NA> <NA>",
	} {
		var out strings.Builder
		w, err := NewFormat(&out, format, Options{})
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		write(t, w, build(t, testTime, 100, event.OpenatX, 5, 3, "hosts", 1, 0, 0, 77))
		if out.String() != want+"\n" {
			t.Errorf("%s: %q, want %q", format, out.String(), want)
		}
	}
	for format, want := range map[string]string{
		"%proc.nam":        "is it proc.name?",
		"%evt.arg":         "needs an argument, as in evt.arg.name",
		"%zzzzzzzzzzzzzz":  "unknown field zzzzzzzzzzzzzz in format",
		"% x":              "not followed by a field name",
		"%evt.arg[x":       "closing ]",
		"%99999999evt.num": "wider than",
	} {
		if _, err := NewFormat(io.Discard, format, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", format, err, want)
		}
	}
}

func TestFieldsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields() {
		if f.Name == "" || f.Type == "" || f.Help == "" || f.get == nil || f.Arg != (f.Example != "") || seen[f.Name] {
			t.Errorf("field %q is not complete or there twice", f.Name)
		}
		seen[f.Name] = true
		// Every field can be asked of every event.
		format := "%" + f.Name
		if f.Arg {
			format = "%" + f.Example
		}
		w, err := NewFormat(io.Discard, format, Options{})
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, build(t, testTime, 100, event.OpenatX, 5, 3, "hosts", 1, 0, 0, 77),
			build(t, testTime, 100, event.DropE, 1), build(t, testTime, 100, event.Type(453)),
			build(t, testTime, 100, event.SocketX, 5, 2, 1, 0, 0), build(t, testTime, 100, event.ReadX, nil))
	}
}

// However an event is filled, no line breaks, no control byte gets out, and JSON
// stays JSON.
func TestEveryRowIsSafe(t *testing.T) {
	st := state.New(testSnapshot())
	var lines, objects bytes.Buffer
	text, js := NewText(&lines, Options{}), NewJSON(&objects, Options{})
	n := 0
	for i := range spec.Events {
		row := &spec.Events[i]
		for _, v := range []any{nil, 0, -1, "\x1b[1m\x9b\n\xff", []byte{1}, []byte{2, 3}, []byte("\x00a\x00\x1b\x00")} {
			args := make([]any, len(row.Params))
			for j := range args {
				if size := row.Params[j].Type.Size(); size == 0 || size == 16 {
					if _, ok := v.(int); ok {
						continue
					}
				}
				args[j] = v
			}
			ev := build(t, testTime, 100, event.Type(i), args...)
			st.Apply(ev)
			if err := text.Write(ev, st); err != nil {
				t.Fatal(err)
			}
			if err := js.Write(ev, st); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	text.Flush()
	js.Flush()
	for _, c := range lines.Bytes() {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Fatalf("byte %#x in text", c)
		}
	}
	if got := bytes.Count(lines.Bytes(), []byte("\n")); got != n {
		t.Errorf("%d lines of %d events", got, n)
	}
	for _, l := range bytes.SplitAfter(objects.Bytes(), []byte("\n")) {
		var v map[string]any
		if len(l) == 0 {
			continue
		}
		if !utf8.Valid(l) {
			t.Errorf("not UTF-8: %q", l)
		}
		if err := json.Unmarshal(l, &v); err != nil {
			t.Errorf("%v: %s", err, l)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	evs := []*event.Event{
		build(t, testTime, 100, event.OpenatX, -2, 3, "hosts", 1, 0, 0, 77),
		build(t, testTime, 100, event.ReadX, 4, []byte("data"), 4, 4),
		build(t, testTime, 100, event.SetuidX, 0, 0),
		build(t, testTime, 100, event.ConnectX, -2, []byte{2, 127, 0, 0, 1, 0xa0, 0x0f, 127, 0, 0, 1, 80, 0}, 3, nil),
		build(t, testTime, 100, event.KillX, 0, 100, 9),
		build(t, testTime, 100, event.NanosleepE, 1000),
	}
	st := state.New(testSnapshot())
	for name, w := range map[string]Writer{"text": NewText(io.Discard, Options{}), "json": NewJSON(io.Discard, Options{})} {
		run := func() {
			for _, ev := range evs {
				st.Apply(ev)
				if err := w.Write(ev, st); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations for %d events", name, n, len(evs))
		}
	}
}

func BenchmarkText(b *testing.B) {
	ev := build(b, testTime, 100, event.OpenatX, -2, 3, "hosts", 1, 0, 0, 77)
	st := state.New(testSnapshot())
	w := NewText(io.Discard, Options{})
	for b.Loop() {
		st.Apply(ev)
		if err := w.Write(ev, st); err != nil {
			b.Fatal(err)
		}
	}
}
