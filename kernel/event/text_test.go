package event

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// texts are lines in the very form that AppendText writes.
var texts = []string{
	`OpenatX ts=1700000000000000001 tid=42 fd=3 dirfd=-100 name="/etc/hosts" flags=0x1 mode=0 dev=0x800001 ino=12`,
	`OpenX ts=1 tid=1 fd=-2 name="a b\"c\n\x00\xff" flags=0x7 mode=0o644 dev=0x0 ino=0`,
	`OpenatX ts=0 tid=-1 fd=- dirfd=- name=- flags=- mode=- dev=- ino=-`,
	`OpenatX ts=1 tid=1`,
	`OpenatX ts=1 tid=1 fd=3`,
	`OpenatX ts=18446744073709551615 tid=-9223372036854775808 fd=x:01 dirfd=x:0102 name=x:2f61 flags=x:01020304050607`,
	`CloseX ts=1 tid=1 res=0 fd=3 #3=x:01 #4=-`,
	`GetuidE ts=1 tid=1`,
	`ReadX ts=1 tid=1 res=5 data=x:68656c6c6f fd=0 size=4096`,
	`MmapX ts=1 tid=1 res=0x7f0000001000 vm_size=4 vm_rss=2 vm_swap=0 addr=0x0 length=4096 prot=0x3 flags=0xa fd=-1 offset=0`,
	`MmapX ts=1 tid=1 res=-12`,
	`SemgetX ts=1 tid=1 res=0 key=-1 nsems=1 semflg=0x2000`,
	`SemgetX ts=1 tid=1 res=0 key=0x7fffffff`,
	`IterTaskE ts=0 tid=1 ppid=1 pgid=1 vpgid=1 sid=1 comm="sh" argv=["sh" "-c" "echo \"[\" ]"] exepath="/bin/sh"`,
	`IterTaskE ts=0 tid=1 ppid=1 pgid=1 vpgid=1 sid=1 comm="" argv=[""] exepath=x:61`,
	`PtraceX ts=1 tid=1 res=0 addr=x:000000000000000000 data=x:0113 request=8 pid=-1`,
	`PluginEventE ts=1 tid=-1 plugin_id=3 event_data=x:00`,
	`9999 ts=1 tid=2 #1=x:00 #2=-`,
	`453 ts=1 tid=2`,
	`17 ts=1 tid=2 #1=x:ff`,
}

func TestText(t *testing.T) {
	for _, line := range texts {
		var b Builder
		if err := ParseText(line, &b); err != nil {
			// 453 has an identifier, which is the form of AppendText.
			t.Errorf("%v", err)
			continue
		}
		var ev Event
		if _, err := ev.Parse(b.Bytes()); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		line = strings.Replace(line, "453 ", "KeyctlX ", 1)
		if got := string(AppendText(nil, &ev)); got != line {
			t.Errorf("got  %s\nwant %s", got, line)
		}
	}
	if got := AppendText([]byte("x"), &Event{}); string(got) != "x" {
		t.Errorf("the empty event is %q", got)
	}
}

func TestTextErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "column 1: want an event, ts= and tid="},
		{"CloseX ts=1", "column 12: want"},
		{"Close ts=1 tid=1", `column 1: unknown event "Close"`},
		{"65536 ts=1 tid=1", `column 1: unknown event "65536"`},
		{"CloseX tid=1 ts=1", "column 8: tid=1: want ts="},
		{"CloseX ts=1 tid=x", "column 13: tid=x: want an integer of 64 bits"},
		{"CloseX ts=-1 tid=1", "column 8: ts=-1: want an unsigned integer of 64 bits"},
		{"CloseX ts=1 tid=1 fd=1", "column 19: fd=1: want res="},
		{"CloseX ts=1 tid=1 res=0 fd=", "column 25: fd=: want an integer of 64 bits"},
		{"CloseX ts=1 tid=1 res=0 fd=3 x=1", "column 30: x=1: want #3="},
		{"CloseX ts=1 tid=1 res=0 fd=3 #3=1", "column 30: #3=1: want bytes, as in x:0a0b"},
		{"CloseX ts=1 tid=1 res=x:0", "column 19: res=x:0: encoding/hex: odd length"},
		{"CloseX ts=1 tid=1 res=x:0g", "column 19: res=x:0g: encoding/hex: invalid byte"},
		{"ReadX ts=1 tid=1 res=0 data=hello", "column 24: data=hello: want bytes"},
		{"ReadX ts=1 tid=1 res=0 data=- fd=3 size=4294967296", "column 36: size=4294967296: want an unsigned integer of 32 bits"},
		{`ChdirX ts=1 tid=1 res=0 path="/tmp`, `column 25: value does not end: path="/tmp`},
		{`ChdirX ts=1 tid=1 res=0 path="/tmp\`, `column 25: value does not end`},
		{`ChdirX ts=1 tid=1 res=0 path=/tmp`, `column 25: path=/tmp: want a string in double quotes`},
		{`ChdirX ts=1 tid=1 res=0 path='/'`, `want a string in double quotes`},
		{`ChdirX ts=1 tid=1 res=0 path="/"x`, `want a string in double quotes`},
		{`IterTaskE ts=0 tid=1 ppid=1 pgid=1 vpgid=1 sid=1 comm="" argv=["a" b]`, `column 58: argv=["a" b]: want a string in double quotes at b`},
		{`IterTaskE ts=0 tid=1 ppid=1 pgid=1 vpgid=1 sid=1 comm="" argv="a"`, `want strings in brackets`},
		{"GetuidE ts=1 tid=1" + strings.Repeat(" #1=-", 33), "column 180: more than 32 parameters"},
		{"ReadX ts=1 tid=1 res=0 data=x:" + strings.Repeat("00", 1<<16), "value of 65536 bytes"},
	} {
		var b Builder
		openat(&b)
		before := len(b.Bytes())
		err := ParseText(c.line, &b)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: %v, want %s", c.line, err, c.want)
		} else if len(err.Error()) > 200 {
			t.Errorf("error of %d bytes", len(err.Error()))
		}
		if len(b.Bytes()) != before {
			t.Errorf("%.80s: left %d bytes", c.line, len(b.Bytes())-before)
		}
	}
}

// TestTextRows tells of every row, in full, cut and with values of wrong sizes.
func TestTextRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for typ := range Type(NumTypes + 2) {
		for n := range 40 {
			var b Builder
			params := rnd.IntN(MaxParams + 1)
			if row := typ.Row(); row != nil && n%2 == 0 {
				params = len(row.Params)
			}
			b.Begin(typ, rnd.Uint64(), rnd.Int64(), params)
			for i := range params {
				value := make([]byte, rnd.IntN(20))
				if p := param(typ.Row(), i); p != nil && n%4 != 3 && p.Type.Size() > 0 {
					value = make([]byte, p.Type.Size())
				}
				for j := range value {
					value[j] = byte(rnd.Uint32())
				}
				if n%3 == 0 && len(value) > 0 {
					value[len(value)-1] = 0
				}
				b.PutBytes(value)
			}
			b.End()
			same(t, b.Bytes())
		}
	}
}

// same takes an event through its text and back.
func same(t *testing.T, data []byte) {
	t.Helper()
	var ev Event
	if _, err := ev.Parse(data); err != nil {
		t.Fatal(err)
	}
	text := string(AppendText(nil, &ev))
	var b Builder
	if err := ParseText(text, &b); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	if !bytes.Equal(b.Bytes(), ev.Bytes()) {
		t.Fatalf("%s\nis %x\nwant %x", text, b.Bytes(), ev.Bytes())
	}
	if strings.ContainsAny(text, "\n\r") {
		t.Fatalf("%q is more than a line", text)
	}
}

// TestTextNames keeps names of rows from looking like the syntax around them.
func TestTextNames(t *testing.T) {
	for _, e := range spec.Events {
		for _, p := range e.Params {
			if p.Name == "" || strings.ContainsAny(p.Name, " =#\"[]") {
				t.Errorf("%s has a parameter %q", e.Ident, p.Name)
			}
		}
	}
}

func FuzzText(f *testing.F) {
	for _, line := range texts {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var b Builder
		if err := ParseText(line, &b); err != nil {
			if len(b.Bytes()) != 0 {
				t.Fatalf("%v, but %d bytes", err, len(b.Bytes()))
			}
			return
		}
		same(t, b.Bytes())
	})
}

func BenchmarkAppendText(b *testing.B) {
	var builder Builder
	var ev Event
	if _, err := ev.Parse(openat(&builder)); err != nil {
		b.Fatal(err)
	}
	var dst []byte
	for b.Loop() {
		dst = AppendText(dst[:0], &ev)
	}
}

// TestWireDoc holds the example of docs/wire.md against the code.
func TestWireDoc(t *testing.T) {
	doc, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	const line = "CloseX ts=1 tid=42 res=0 fd=3"
	_, rest, ok := strings.Cut(string(doc), "`"+line+"`:\n\n```\n")
	block, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatalf("docs/wire.md does not show %s", line)
	}
	want, err := hex.DecodeString(strings.Join(strings.Fields(block), ""))
	if err != nil {
		t.Fatal(err)
	}
	var b Builder
	if err := ParseText(line, &b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("docs/wire.md shows %x, want %x", want, b.Bytes())
	}
}
