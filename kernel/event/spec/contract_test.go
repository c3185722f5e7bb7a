package spec_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// contract is testdata/contract.json: the tables of the upstream drivers
// (driver/event_table.c, flags_table.c, dynamic_params_table.c, syscall_table.c
// and syscall_ia32_64_map.c of falcosecurity/libs), compiled and dumped.
type contract struct {
	Events []struct {
		Number     uint16
		Name       string
		Category   spec.Category
		Flags      spec.Flags
		NParams036 int  // -1: not in that edition
		Head, V036 bool // some driver emits it
		Params     []struct {
			name, typ, format, table string
			rel                      uint8
		}
	}
	Types       []row // number, name, size
	Formats     []string
	Flags       map[string][]row // name, value
	Dyn         map[string][]row // type, format
	Syscalls    map[string][]row // number, code, exit event, state, drop flags
	Syscalls036 map[string][]row // number, code, exit event
	SC          []row            // code, name
	I386        []row            // number, x86_64 number, exit event and code in V036
}

// A row is an array of mixed values.
type row []any

func (r row) int(i int) int    { return int(r[i].(float64)) }
func (r row) str(i int) string { return r[i].(string) }

func load(t *testing.T) (c struct {
	contract
	typ    map[string]row
	format map[string]spec.Format
}) {
	t.Helper()
	b, err := os.ReadFile("testdata/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	// The parameters are arrays of mixed values: read them apart.
	var params struct{ Events []struct{ Params []row } }
	var plain map[string]json.RawMessage
	var events []map[string]json.RawMessage
	for _, err := range []error{
		json.Unmarshal(b, &params), json.Unmarshal(b, &plain), json.Unmarshal(plain["events"], &events),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range events {
		delete(e, "params")
	}
	plain["events"], _ = json.Marshal(events)
	b, _ = json.Marshal(plain)
	if err := json.Unmarshal(b, &c.contract); err != nil {
		t.Fatal(err)
	}
	for i, e := range params.Events {
		for _, p := range e.Params {
			c.Events[i].Params = append(c.Events[i].Params, struct {
				name, typ, format, table string
				rel                      uint8
			}{p.str(0), p.str(1), p.str(2), p.str(3), uint8(p.int(4))})
		}
	}
	c.typ, c.format = map[string]row{}, map[string]spec.Format{}
	for _, r := range c.Types {
		c.typ[r.str(1)] = r
	}
	for i, name := range c.Formats {
		c.format[name] = spec.Format(i)
	}
	return c
}

func TestTypes(t *testing.T) {
	c := load(t)
	if len(c.Types) != int(spec.NumTypes) {
		t.Errorf("%d types, want %d", spec.NumTypes, len(c.Types))
	}
	for _, r := range c.Types {
		if got := spec.Type(r.int(0)).Size(); got != r.int(2) {
			t.Errorf("size of %s is %d, want %d", r.str(1), got, r.int(2))
		}
	}
}

func TestEvents(t *testing.T) {
	c := load(t)
	if len(c.Events) != len(spec.Events) {
		t.Fatalf("%d rows, want %d", len(spec.Events), len(c.Events))
	}
	for i, want := range c.Events {
		e := &spec.Events[i]
		if e.Number != want.Number || e.Name != want.Name || e.Category != want.Category || e.Flags != want.Flags {
			t.Errorf("row %d is %d %s category %d flags %d, want %d %s %d %d",
				i, e.Number, e.Name, e.Category, e.Flags, want.Number, want.Name, want.Category, want.Flags)
		}
		if got := e.In&spec.Current != 0; got != want.Head {
			t.Errorf("%d %s: emitted in the current edition: %t, want %t", i, e.Ident, got, want.Head)
		}
		if got := e.In&spec.V036 != 0; got != want.V036 {
			t.Errorf("%d %s: emitted in edition 0.36: %t, want %t", i, e.Ident, got, want.V036)
		}
		if want.V036 && e.NumParams(spec.V036) != want.NParams036 {
			t.Errorf("%d %s: %d parameters in edition 0.36, want %d", i, e.Ident, e.NumParams(spec.V036), want.NParams036)
		}
		if got := e.NumParams(spec.Current); got != len(want.Params) || len(e.Params) != got {
			t.Errorf("%d %s: %d parameters, want %d", i, e.Ident, got, len(want.Params))
			continue
		}
		for j, w := range want.Params {
			p := &e.Params[j]
			table := p.Table
			if p.Dyn != "" {
				table = p.Dyn + "_dynamic_param"
			}
			if p.Name != w.name || int(p.Type) != c.typ[w.typ].int(0) || p.Format != c.format[w.format] || table != w.table || p.RelTo != w.rel {
				t.Errorf("%d %s parameter %d is %s type %d format %d table %q rel %d, want %+v",
					i, e.Ident, j+1, p.Name, p.Type, p.Format, table, p.RelTo, w)
			}
		}
	}
}

func TestFlagTables(t *testing.T) {
	c := load(t)
	if len(c.Flags) != len(spec.FlagTables) {
		t.Errorf("%d tables, want %d", len(spec.FlagTables), len(c.Flags))
	}
	for name, want := range c.Flags {
		table := spec.FindTable(name)
		if table == nil {
			t.Errorf("no table %s", name)
			continue
		}
		if len(table.Values) != len(want) {
			t.Errorf("%s has %d values, want %d", name, len(table.Values), len(want))
			continue
		}
		for i, w := range want {
			if f := table.Values[i]; f.Name != w.str(0) || f.Value != uint64(w.int(1)) {
				t.Errorf("%s value %d is %s %#x, want %v", name, i, f.Name, f.Value, w)
			}
		}
	}
}

func TestDynTables(t *testing.T) {
	c := load(t)
	if len(c.Dyn) != len(spec.DynTables) {
		t.Errorf("%d dynamic tables, want %d", len(spec.DynTables), len(c.Dyn))
	}
	for name, want := range c.Dyn {
		table := spec.FindDyn(strings.TrimSuffix(name, "_dynamic_param"))
		if table == nil || len(table.Entries) != len(want) {
			t.Errorf("dynamic table %s: %v, want %v", name, table, want)
			continue
		}
		for i, w := range want {
			if e := table.Entries[i]; int(e.Type) != c.typ[w.str(0)].int(0) || e.Format != c.format[w.str(1)] {
				t.Errorf("%s entry %d is %+v, want %v", name, i, e, w)
			}
		}
	}
}

func TestSyscallCodes(t *testing.T) {
	c := load(t)
	if len(c.SC) != len(spec.Syscalls) {
		t.Errorf("%d codes, want %d", len(spec.Syscalls), len(c.SC))
	}
	for i, want := range c.SC {
		s := spec.Syscalls[i]
		if int(s.SC) != want.int(0) || "PPM_SC_"+strings.ToUpper(s.Name) != want.str(1) {
			t.Errorf("code %d is %d %s, want %v", i, s.SC, s.Name, want)
		}
	}
}

var machines = map[string]spec.Arch{"x86_64": spec.X86, "aarch64": spec.Arm64}

func TestSyscalls(t *testing.T) {
	c := load(t)
	for name, arch := range machines {
		table := event.Native(arch, spec.Current)
		for _, want := range c.Syscalls[name] {
			s := table.Lookup(uint64(want.int(0)))
			if s == nil {
				t.Errorf("%s %v is missing", name, want)
				continue
			}
			_, exit := event.Pair(s, spec.Current)
			drop := spec.MayDrop
			for _, f := range want[5].([]any) {
				drop = map[string]spec.Drop{"NEVER_DROP": spec.NeverDrop, "ALWAYS_DROP": spec.AlwaysDrop}[f.(string)]
			}
			if s.Name != want.str(1) || int(s.SC) != want.int(2) || int(exit) != want.int(3) ||
				event.KeepsState(s, spec.Current) != want[4].(bool) || s.Drop != drop {
				t.Errorf("%s is %+v, exit event %d, keeps state %t; want %v",
					name, s, exit, event.KeepsState(s, spec.Current), want)
			}
		}
		checkCount(t, name, table, len(c.Syscalls[name]))
	}
}

// TestSyscalls036 leaves out the numbers that the edition had no code for; the
// contract lists them as code 0 without an event.
func TestSyscalls036(t *testing.T) {
	c := load(t)
	for name, arch := range machines {
		table := event.Native(arch, spec.V036)
		known := 0
		for _, want := range c.Syscalls036[name] {
			s := table.Lookup(uint64(want.int(0)))
			if want.int(2) < 0 {
				if s != nil {
					t.Errorf("%s %v is %s, want none", name, want, s.Name)
				}
				continue
			}
			known++
			if s == nil {
				t.Errorf("%s %v is missing", name, want)
				continue
			}
			if _, exit := event.Pair(s, spec.V036); int(s.SC) != want.int(1) || int(exit) != want.int(2) {
				t.Errorf("%s %v is %s, code %d, exit event %d", name, want, s.Name, s.SC, exit)
			}
		}
		checkCount(t, name, table, known)
	}
}

func checkCount(t *testing.T, name string, table *event.Syscalls, want int) {
	t.Helper()
	n := 0
	for nr := range uint64(1024) {
		if table.Lookup(nr) != nil {
			n++
		}
	}
	if n != want {
		t.Errorf("%s has %d calls, want %d", name, n, want)
	}
}

// TestI386 differs from upstream on purpose: driver/syscall_ia32_64_map.c leaves
// 21 calls out of its array (break, ftime, uselib, ...), which so become call 0,
// read. Here they are discarded, and so they are in contract.json.
func TestI386(t *testing.T) {
	c := load(t)
	now, then := event.I386(spec.Current), event.I386(spec.V036)
	for _, want := range c.I386 {
		nr := uint64(want.int(0))
		x86 := spec.NoNumber
		if s := now.Lookup(nr); s != nil {
			x86 = int(s.X86)
		}
		if x86 != want.int(1) {
			t.Errorf("call %d becomes %d, want %d", nr, x86, want.int(1))
		}
		s := then.Lookup(nr)
		if s == nil {
			t.Errorf("call %d is missing in edition 0.36", nr)
			continue
		}
		if _, exit := event.Pair(s, spec.V036); int(exit) != want.int(2) || int(s.SC) != want.int(3) {
			t.Errorf("call %d in edition 0.36 is %s, code %d, exit event %d; want %v", nr, s.Name, s.SC, exit, want)
		}
	}
	if !slices.IsSortedFunc(spec.I386Calls, func(a, b spec.I386Call) int { return int(a.Number) - int(b.Number) }) {
		t.Error("the calls are not in the order of their numbers")
	}
	if len(spec.I386Calls) != len(c.I386) {
		t.Errorf("%d calls, want %d", len(spec.I386Calls), len(c.I386))
	}
}
