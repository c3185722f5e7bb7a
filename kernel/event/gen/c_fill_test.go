package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// fillMain runs every row of fill.h: it reads "number current ret args" and
// prints the event in hex. The fillers are empty.
func fillMain() string {
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include <stdlib.h>\n#include \"ops.h\"\n#include \"fill.h\"\n\n")
	for i := range spec.Events {
		if e := &spec.Events[i]; e.Filler != "" {
			fmt.Fprintf(&b, "static void filler_%s(struct call *c) { (void)c; }\n", e.Filler)
		}
	}
	b.WriteString(`
static struct call c;

int main(void)
{
	unsigned type;

	if (fread(memory, 1, MEMORY, stdin) != MEMORY)
		return 1;
	while (scanf("%u %d %lx %lx %lx %lx %lx %lx %lx", &type, &c.current, (u64 *)&c.ret, &c.args[0],
		     &c.args[1], &c.args[2], &c.args[3], &c.args[4], &c.args[5]) == 9) {
		switch (type) {
`)
	for i := range spec.Events {
		if e := &spec.Events[i]; e.In != spec.None {
			fmt.Fprintf(&b, "\t\tcase %s: run_%s(&c); break;\n", constant(e), snake(e.Ident))
		}
	}
	b.WriteString(`		default: abort();
		}
		for (u32 i = 0; i < c.off; i++)
			printf("%02x", c.buf[i]);
		printf("\n");
	}
	return 0;
}
`)
	return b.String()
}

// memoryOf has strings, integers and, at 256, three iovecs.
func memoryOf(rnd *rand.Rand) []byte {
	m := make([]byte, memorySize)
	for i := range m {
		m[i] = byte(rnd.UintN(256))
		if i%23 == 0 {
			m[i] = 0
		}
	}
	for i := range uint64(3) {
		binary.LittleEndian.PutUint64(m[256+16*i:], 1000+100*i)
		binary.LittleEndian.PutUint64(m[264+16*i:], 20+20*i)
	}
	return m
}

// argument is one that a call might have.
func argument(rnd *rand.Rand) uint64 {
	switch rnd.UintN(8) {
	case 0:
		return 0
	case 1:
		return 256 // the iovecs
	case 2:
		return 1<<64 - 100 // AT_FDCWD
	case 3:
		return 1<<32 - 100
	case 4:
		return rnd.Uint64()
	case 5:
		return rnd.Uint64N(64)
	}
	return rnd.Uint64N(memorySize)
}

// TestFillC runs the generated C of every row that has no hand-written filler,
// in every edition that emits it, and lays out the same call in Go.
func TestFillC(t *testing.T) {
	for _, cc := range compilers(t, "gcc", "clang") {
		t.Run(cc, func(t *testing.T) {
			t.Parallel()
			bin := compile(t, cc, fillMain(), "-DLANNER_ARCH_X86")
			checkOpenat(t, bin)
			rnd := rand.New(rand.NewPCG(3, 4))
			m := model{memory: memoryOf(rnd)}
			in := bytes.NewBuffer(bytes.Clone(m.memory))
			var want, calls []string
			var b event.Builder
			for i := range spec.Events {
				e := &spec.Events[i]
				if e.Filler != "" {
					continue
				}
				for _, m.in = range []spec.Profile{spec.Current, spec.V036} {
					if e.In&m.in == 0 {
						continue
					}
					for range 20 {
						for j := range m.args {
							m.args[j] = argument(rnd)
						}
						m.ret = []int64{0, 3, 60, 200, -2}[rnd.IntN(5)]
						current := 0
						if m.in == spec.Current {
							current = 1
						}
						call := fmt.Sprintf("%d %d %x", e.Number, current, uint64(m.ret))
						for _, a := range m.args {
							call += fmt.Sprintf(" %x", a)
						}
						in.WriteString(call + "\n")
						calls = append(calls, e.Ident+" "+call)
						want = append(want, hex.EncodeToString(m.event(&b, e)))
					}
				}
			}
			got := run(t, bin, in.Bytes())
			if len(got) != len(want) {
				t.Fatalf("%d events of %d calls", len(got), len(want))
			}
			bad := 0
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s\nC  %s\nGo %s", calls[i], text(got[i]), text(want[i]))
					if bad++; bad == 10 {
						t.Fatal("and more")
					}
				}
			}
		})
	}
}

func text(s string) string {
	data, err := hex.DecodeString(s)
	if err != nil {
		return err.Error()
	}
	var ev event.Event
	if _, err := ev.Parse(data); err != nil {
		return err.Error()
	}
	return string(event.AppendText(nil, &ev))
}

// checkOpenat is one call spelled out, so that C and the model cannot be wrong
// together.
func checkOpenat(t *testing.T, bin string) {
	t.Helper()
	memory := make([]byte, memorySize)
	copy(memory[16:], "/etc/hosts\x00")
	in := bytes.NewBuffer(memory)
	in.WriteString("307 1 3 ffffff9c 10 80000 0 0 0\n") // AT_FDCWD, "/etc/hosts", O_CLOEXEC
	want := `OpenatX ts=1 tid=2 fd=3 dirfd=-100 name="/etc/hosts" flags=0x5001 mode=0 dev=0x800001 ino=12`
	if got := run(t, bin, in.Bytes()); len(got) != 1 || text(got[0]) != want {
		t.Errorf("got  %s\nwant %s", text(got[0]), want)
	}
}

// TestSyscallsC reads the tables of syscalls.h and event.h back.
func TestSyscallsC(t *testing.T) {
	tables := []struct {
		name  string
		calls *event.Syscalls
		in    spec.Profile
	}{
		{"syscalls_x86_64", event.Native(spec.X86, spec.Current), spec.Current},
		{"syscalls_x86_64_036", event.Native(spec.X86, spec.V036), spec.V036},
		{"syscalls_aarch64", event.Native(spec.Arm64, spec.Current), spec.Current},
		{"syscalls_aarch64_036", event.Native(spec.Arm64, spec.V036), spec.V036},
		{"syscalls_i386_036", event.I386(spec.V036), spec.V036},
	}
	source := "#include <stdio.h>\n#include \"ops.h\"\n#include \"syscalls.h\"\n\nint main(void)\n{\n"
	var want []string
	for _, table := range tables {
		source += fmt.Sprintf("\tfor (int i = 0; i < SYSCALL_TABLE_SIZE; i++)\n\t\tprintf(\"%s %%d: %%d %%d %%d\\n\", i, "+
			"%[1]s[i].sc, %[1]s[i].exit, %[1]s[i].drop);\n", table.name)
		for nr := range uint64(cTable) {
			var sc, exit, drop int
			if s := table.calls.Lookup(nr); s != nil {
				_, x := event.Pair(s, table.in)
				sc, exit, drop = int(s.SC), int(x), int(s.Drop)
			}
			want = append(want, fmt.Sprintf("%s %d: %d %d %d", table.name, nr, sc, exit, drop))
		}
	}
	source += "\tfor (int i = 0; i < SYSCALL_TABLE_SIZE; i++)\n\t\tprintf(\"i386 %d: %d\\n\", i, i386_to_x86_64[i]);\n" +
		"\tfor (int i = 0; i < EVENT_TYPES; i++)\n\t\tprintf(\"event %d: %d %d\\n\", i, event_nparams[PROFILE_CURRENT][i], event_nparams[PROFILE_036][i]);\n" +
		"\treturn sizeof(struct event_head) != EVENT_HEADER_SIZE;\n}\n"
	i386 := event.I386(spec.Current)
	for nr := range uint64(cTable) {
		x86 := -1
		if s := i386.Lookup(nr); s != nil {
			x86 = int(s.X86)
		}
		want = append(want, fmt.Sprintf("i386 %d: %d", nr, x86))
	}
	for i := range spec.Events {
		e := &spec.Events[i]
		now, then := 0xff, 0xff
		if e.In&spec.Current != 0 {
			now = e.NumParams(spec.Current)
		}
		if e.In&spec.V036 != 0 {
			then = e.NumParams(spec.V036)
		}
		want = append(want, fmt.Sprintf("event %d: %d %d", i, now, then))
	}
	for _, cc := range compilers(t, "gcc", "clang") {
		got := run(t, compile(t, cc, source), nil)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("%s: line %d of %d is %s, want %s", cc, i, len(got), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
			}
		}
	}
}
