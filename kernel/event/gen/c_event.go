package main

import (
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// cEvent writes the names and numbers of the contract.
func cEvent() []byte {
	h := newHeader("event", `The contract in C: the layout of an event, its numbers, its flags.
Include it where u8 to u64 and s64 are known (linux/types.h or vmlinux.h).`)
	h.f("\n#define EVENT_HEADER_SIZE %d\t/* bytes */\n", event.HeaderSize)
	h.f("#define EVENT_MAX_PARAMS %d\n", event.MaxParams)
	h.f("#define EVENT_MAX_PARAM_LEN %d\t/* bytes of one value */\n", event.MaxParamLen)
	h.f("#define EVENT_AT_FDCWD (%d)\t/* portable encoding of AT_FDCWD */\n", event.AtFDCWD)
	h.WriteString(`
/* The lengths of the values, u16 each, follow; then the values, back to back. */
struct event_head {
	u64 ts;		/* ns since the epoch */
	u64 tid;
	u32 len;	/* bytes, header included */
	u16 type;
	u32 nparams;
} __attribute__((packed));

/* Even numbers are enter events, odd ones exit events. */
enum event_type {
`)
	for i := range spec.Events {
		if e := &spec.Events[i]; e.Ident != "" {
			h.f("\t%s = %d,\n", constant(e), e.Number)
		}
	}
	h.f("\tEVENT_TYPES = %d,\n};\n", len(spec.Events))
	cParamCounts(h)
	cFlags(h)
	return h.close()
}

// cParamCounts writes how many parameters a driver lays out.
func cParamCounts(h *header) {
	h.WriteString(`
/* An edition of the contract. */
enum event_profile {
	PROFILE_CURRENT = 0,	/* schema 4.5.1 */
	PROFILE_036 = 1,	/* schema 2.10.0 */
	PROFILES = 2,
};

#define EVENT_NOT_EMITTED 0xff

/* How many parameters a driver lays out, by edition and event. */
static const u8 event_nparams[PROFILES][EVENT_TYPES] = {
`)
	for _, p := range []struct {
		name string
		in   spec.Profile
	}{{"PROFILE_CURRENT", spec.Current}, {"PROFILE_036", spec.V036}} {
		h.f("\t[%s] = {\n", p.name)
		for from := 0; from < len(spec.Events); {
			to := from
			for to+1 < len(spec.Events) && spec.Events[from].In&p.in == 0 && spec.Events[to+1].In&p.in == 0 {
				to++
			}
			e := &spec.Events[from]
			switch {
			case e.In&p.in != 0:
				h.f("\t\t[%s] = %d,\n", constant(e), e.NumParams(p.in))
			case from == to:
				h.f("\t\t[%d] = EVENT_NOT_EMITTED,\n", from)
			default:
				h.f("\t\t[%d ... %d] = EVENT_NOT_EMITTED,\n", from, to)
			}
			from = to + 1
		}
		h.WriteString("\t},\n")
	}
	h.WriteString("};\n")
}

// cFlags writes the portable values, for fillers that are written by hand.
func cFlags(h *header) {
	for _, t := range spec.FlagTables {
		h.f("\n/* %s */\n", t.Name)
		seen := map[string]bool{}
		for _, f := range t.Values {
			if !seen[f.Name] { // upstream lists a few names twice
				h.f("#define FLAG_%s_%s %s\n", strings.ToUpper(t.Name), strings.ToUpper(f.Name), literal(f.Value))
			}
			seen[f.Name] = true
		}
	}
	for _, d := range spec.DynTables {
		h.f("\n/* first byte of a dynamic value: %s */\n", d.Name)
		for i, e := range d.Entries {
			h.f("#define DYN_%s %d\n", strings.ToUpper(e.Ident), i)
		}
	}
}
