package main

import (
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

const aboutSyscalls = `What each call is, by its native number. A module indexes the tables; a probe of
a kernel without global data (before 5.2) gets them as maps, which its loader
fills from the same rows.

Exit event 0 means that the contract does not have the call: it is an enter event.`

// cTable is the number of entries of each table, a power of two so that a
// program can mask an index (SYSCALL_TABLE_SIZE of the contract).
const cTable = 512

// cSyscalls writes the tables of calls.
func cSyscalls() []byte {
	h := newHeader("syscalls", aboutSyscalls)
	h.WriteString("\n#include \"event.h\"\n\n/* Codes of calls and tracepoints. */\nenum syscall_code {\n")
	for _, s := range spec.Syscalls {
		h.f("\tSC_%s = %d,\n", strings.ToUpper(s.Name), s.SC)
	}
	h.f("\tSYSCALL_CODES = %d,\n};\n", len(spec.Syscalls))
	h.f(`
/* What sampling does with a call. */
enum syscall_drop {
	MAY_DROP = %d,
	NEVER_DROP = %d,
	ALWAYS_DROP = %d,
};

#define SYSCALL_TABLE_SIZE %d

struct syscall_row {
	u16 sc;		/* enum syscall_code */
	u16 exit;	/* enum event_type; the enter event is the number before */
	u8 drop;	/* enum syscall_drop */
};
`, spec.MayDrop, spec.NeverDrop, spec.AlwaysDrop, cTable)
	for _, t := range []struct {
		name, about string
		calls       *event.Syscalls
		in          spec.Profile
	}{
		{"syscalls_x86_64", "x86_64", event.Native(spec.X86, spec.Current), spec.Current},
		{"syscalls_x86_64_036", "x86_64, edition 0.36", event.Native(spec.X86, spec.V036), spec.V036},
		{"syscalls_aarch64", "aarch64", event.Native(spec.Arm64, spec.Current), spec.Current},
		{"syscalls_aarch64_036", "aarch64, edition 0.36", event.Native(spec.Arm64, spec.V036), spec.V036},
		{"syscalls_i386_036", "32-bit calls on x86, edition 0.36; the current one translates them, see below",
			event.I386(spec.V036), spec.V036},
	} {
		h.f("\n/* %s */\nstatic const struct syscall_row %s[SYSCALL_TABLE_SIZE] = {\n", t.about, t.name)
		for nr := range uint64(cTable) {
			s := t.calls.Lookup(nr)
			if s == nil {
				continue
			}
			_, exit := event.Pair(s, t.in)
			h.f("\t[%d] = { SC_%s, %s, %s },\n", nr, strings.ToUpper(s.Name), exitConstant(exit),
				[...]string{"MAY_DROP", "NEVER_DROP", "ALWAYS_DROP"}[s.Drop])
		}
		h.WriteString("};\n")
	}
	cI386(h)
	return h.close()
}

func exitConstant(t event.Type) string { return constant(t.Row()) }

// cI386 writes the translation of 32-bit calls. Numbers that the contract does
// not have are spelled out: call 0 is read.
func cI386(h *header) {
	h.WriteString(`
#define NO_SYSCALL (-1)

/* The x86_64 number of a 32-bit call, NO_SYSCALL where events of it are discarded. */
static const s16 i386_to_x86_64[SYSCALL_TABLE_SIZE] = {
`)
	calls := event.I386(spec.Current)
	none := func(nr int) bool { return calls.Lookup(uint64(nr)) == nil }
	for from := 0; from < cTable; {
		to := from
		for none(from) && to+1 < cTable && none(to+1) {
			to++
		}
		switch {
		case !none(from):
			h.f("\t[%d] = %d,\t/* %s */\n", from, calls.Lookup(uint64(from)).X86, calls.Lookup(uint64(from)).Name)
		case from == to:
			h.f("\t[%d] = NO_SYSCALL,\n", from)
		default:
			h.f("\t[%d ... %d] = NO_SYSCALL,\n", from, to)
		}
		from = to + 1
	}
	h.WriteString("};\n")
}
