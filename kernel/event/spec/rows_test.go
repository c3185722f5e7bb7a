package spec_test

import (
	"slices"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestNumbers(t *testing.T) {
	idents := map[string]uint16{}
	for i, e := range spec.Events {
		if int(e.Number) != i {
			t.Fatalf("row %d has number %d", i, e.Number)
		}
		if e.Ident == "" {
			if e.In != spec.None || e.Flags != spec.Unused || len(e.Params) != 0 {
				t.Errorf("row %d has no identifier but is used: %+v", i, e)
			}
			continue
		}
		if other, ok := idents[e.Ident]; ok {
			t.Errorf("rows %d and %d are both %s", other, i, e.Ident)
		}
		idents[e.Ident] = e.Number
		last := e.Ident[len(e.Ident)-1]
		if e.Enter() != (last == 'E') || !e.Enter() && last != 'X' {
			t.Errorf("%d %s: wrong last letter", i, e.Ident)
		}
		if len(e.Params) > 32 {
			t.Errorf("%s has %d parameters", e.Ident, len(e.Params))
		}
	}
}

// TestPairs keeps the promise that both events of a call share an identifier.
func TestPairs(t *testing.T) {
	for i := 0; i+1 < len(spec.Events); i += 2 {
		e, x := spec.Events[i].Ident, spec.Events[i+1].Ident
		if e != "" && x != "" && e[:len(e)-1] != x[:len(x)-1] {
			t.Errorf("%d and %d are %s and %s", i, i+1, e, x)
		}
	}
	for _, s := range spec.Syscalls {
		if s.Event == "" || s.Event == "Generic" {
			continue
		}
		// The codes of tracepoints have an enter event alone.
		if !slices.ContainsFunc(spec.Events, func(e spec.Event) bool {
			return e.Ident == s.Event+"X" || e.Ident == s.Event+"E" && e.Category&spec.Tracepoint != 0
		}) {
			t.Errorf("call %s has no event %sX", s.Name, s.Event)
		}
	}
}

func TestEmitted(t *testing.T) {
	kind := map[string]uint16{}
	for _, e := range spec.Events {
		if e.Filler != "" {
			if e.In == spec.None {
				t.Errorf("%s has a filler but is never emitted", e.Ident)
			}
			if other, ok := kind[e.Filler]; ok {
				t.Errorf("%s and row %d share the filler %s", e.Ident, other, e.Filler)
			}
			kind[e.Filler] = e.Number
		}
		later := false
		for j, p := range e.Params {
			hasOp := p.From.Op != spec.NoOp
			switch {
			case hasOp && e.Filler != "":
				t.Errorf("%s: %s has an op, but the event has a filler", e.Ident, p.Name)
			case hasOp && e.In == spec.None:
				t.Errorf("%s: %s has an op, but the event is never emitted", e.Ident, p.Name)
			case !hasOp && e.Filler == "" && e.In != spec.None:
				t.Errorf("%s: nothing yields %s", e.Ident, p.Name)
			}
			if p.Since != spec.Both && p.Since != spec.Current {
				t.Errorf("%s: %s is in editions %b", e.Ident, p.Name, p.Since)
			}
			if later && p.Since == spec.Both {
				t.Errorf("%s: %s is older than the parameter before it", e.Ident, p.Name)
			}
			later = p.Since == spec.Current
			if slices.ContainsFunc(e.Params[:j], func(q spec.Param) bool { return q.Name == p.Name }) {
				t.Errorf("%s has two parameters named %s", e.Ident, p.Name)
			}
		}
	}
}

func TestParams(t *testing.T) {
	for _, e := range spec.Events {
		for _, p := range e.Params {
			isFlag := p.Type >= spec.Flags8 && p.Type <= spec.Flags32 || p.Type >= spec.Enum8 && p.Type <= spec.Enum32
			if isFlag != (p.Table != "") && p.Type != spec.Mode {
				t.Errorf("%s: %s is of type %d and has table %q", e.Ident, p.Name, p.Type, p.Table)
			}
			if p.Table != "" && spec.FindTable(p.Table) == nil {
				t.Errorf("%s: %s has table %q, which does not exist", e.Ident, p.Name, p.Table)
			}
			if (p.Type == spec.Dyn) != (p.Dyn != "") || p.Dyn != "" && spec.FindDyn(p.Dyn) == nil {
				t.Errorf("%s: %s is of type %d and has dynamic table %q", e.Ident, p.Name, p.Type, p.Dyn)
			}
			if (p.Type == spec.RelPath) != (p.RelTo != 0) {
				t.Errorf("%s: %s is of type %d and relative to %d", e.Ident, p.Name, p.Type, p.RelTo)
			}
			if p.RelTo != 0 && (int(p.RelTo) > len(e.Params) || e.Params[p.RelTo-1].Type != spec.FD) {
				t.Errorf("%s: %s is relative to %d, which is no descriptor", e.Ident, p.Name, p.RelTo)
			}
		}
	}
}

// yields lists the types that the value of an op fits. Integers of Arg, Number
// and Convert fit every integer; how wide a conversion may be is tested below.
var yields = map[spec.Op][]spec.Type{
	spec.Result:         {spec.Errno, spec.FD, spec.PID, spec.Int64, spec.Uint64, spec.UID, spec.GID},
	spec.ArgS32:         {spec.Errno, spec.FD, spec.PID, spec.Int64},
	spec.SC:             {spec.SyscallID},
	spec.NativeNumber:   {spec.Uint16},
	spec.HiLo:           {spec.Uint64},
	spec.DirFDRaw:       {spec.FD},
	spec.StringAt:       {spec.String, spec.Path, spec.RelPath},
	spec.StringAtOK:     {spec.String, spec.Path, spec.RelPath},
	spec.OpenMode:       {spec.Uint32},
	spec.OpenedFlags:    {spec.Flags32},
	spec.CreatFlags:     {spec.Flags16},
	spec.MountFlags:     {spec.Flags32},
	spec.EncodeDev:      {spec.Uint32},
	spec.Dev:            {spec.Uint32},
	spec.Ino:            {spec.Uint64},
	spec.FDPath:         {spec.Path},
	spec.DataIn:         {spec.Bytes},
	spec.DataOut:        {spec.Bytes},
	spec.RawData:        {spec.Bytes},
	spec.IovIn:          {spec.Bytes},
	spec.IovOut:         {spec.Bytes},
	spec.IovSize:        {spec.Uint32},
	spec.IovSizeIn:      {spec.Uint32},
	spec.TimespecAt:     {spec.RelTime},
	spec.U32At:          {spec.UID, spec.GID},
	spec.U64At:          {spec.Uint64},
	spec.FDAt:           {spec.FD},
	spec.InoAt:          {spec.Uint64},
	spec.SockAddrAt:     {spec.SockAddr},
	spec.TupleOut:       {spec.SockTuple},
	spec.TupleIn:        {spec.SockTuple},
	spec.VMSize:         {spec.Uint32},
	spec.VMRSS:          {spec.Uint32},
	spec.VMSwap:         {spec.Uint32},
	spec.CapInheritable: {spec.Uint64},
	spec.CapPermitted:   {spec.Uint64},
	spec.CapEffective:   {spec.Uint64},
}

func TestOps(t *testing.T) {
	for o := spec.Result; o < spec.NumOps; o++ {
		if spec.Ops[o].Name == "" || spec.Ops[o].Words == "" {
			t.Errorf("op %d has no row", o)
		}
	}
	for _, e := range spec.Events {
		for _, p := range e.Params {
			f := p.From
			if f.Op == spec.NoOp {
				continue
			}
			checkArgs(t, e.Ident, p)
			if (f.Op == spec.Convert) != (f.Conv != "") {
				t.Errorf("%s: %s is %s with conversion %q", e.Ident, p.Name, f.Op, f.Conv)
			}
			switch f.Op {
			case spec.Arg, spec.Number, spec.Convert:
				if size := p.Type.Size(); size == 0 || size > 8 || p.Type == spec.Double {
					t.Errorf("%s: %s of type %d does not take an integer", e.Ident, p.Name, p.Type)
				}
			default:
				if !slices.Contains(yields[f.Op], p.Type) {
					t.Errorf("%s: %s of type %d does not take what %s yields", e.Ident, p.Name, p.Type, f.Op)
				}
			}
		}
	}
}

func checkArgs(t *testing.T, event string, p spec.Param) {
	t.Helper()
	for i, a := range p.From.Args {
		kinds := spec.Ops[p.From.Op].Args
		// Tuples may lack the user's address.
		tuple := i > 0 && (p.From.Op == spec.TupleOut || p.From.Op == spec.TupleIn)
		switch {
		case i >= len(kinds) && a != spec.NoArg:
			t.Errorf("%s: %s has an argument too many", event, p.Name)
		case i < len(kinds) && a == spec.NoArg && !tuple:
			t.Errorf("%s: %s lacks an argument", event, p.Name)
		case i < len(kinds) && kinds[i] == 'a' && a >= 6 && a != spec.NoArg:
			t.Errorf("%s: %s takes argument %d of a call", event, p.Name, a)
		}
	}
}

// narrow lists the values that a parameter is too small for; the drivers of the
// contract cut them as well.
var narrow = map[string]string{
	"TimerfdCreateX.flags": "O_CLOEXEC is bit 12 of 8",
	"ShutdownX.how":        "SHUT_UNKNOWN is 0xffff, sent as 0xff",
}

func TestWidth(t *testing.T) {
	for _, e := range spec.Events {
		for _, p := range e.Params {
			if p.From.Op != spec.Convert {
				continue
			}
			c := spec.FindConversion(p.From.Conv)
			if c == nil {
				t.Errorf("%s: no conversion %q", e.Ident, p.From.Conv)
				continue
			}
			if p.Table != "" && p.Table != c.Table {
				t.Errorf("%s: %s has table %s, its conversion %s", e.Ident, p.Name, p.Table, c.Table)
			}
			wide := c.Default >> (8 * p.Type.Size())
			for _, n := range slices.Concat(c.Field, c.Bits) {
				for _, f := range spec.FindTable(c.Table).Values {
					if f.Name == n || n == "*" && f.HasKernel {
						wide |= f.Value >> (8 * p.Type.Size())
					}
				}
			}
			if _, ok := narrow[e.Ident+"."+p.Name]; ok != (wide != 0) {
				t.Errorf("%s: %s of %d bytes takes values that need bits %#x above", e.Ident, p.Name, p.Type.Size(), wide)
			}
		}
	}
}

func TestConversionNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range spec.Conversions {
		if seen[c.Name] {
			t.Errorf("two conversions named %s", c.Name)
		}
		seen[c.Name] = true
		table := spec.FindTable(c.Table)
		if table == nil {
			t.Errorf("%s: no table %q", c.Name, c.Table)
			continue
		}
		names := slices.Concat(c.Field, c.Bits)
		for _, a := range c.Also {
			names = append(names, a.Name)
		}
		for _, n := range names {
			if f := table.Find(n); n != "*" && (f == nil || !f.HasKernel) {
				t.Errorf("%s: %s has no value %s that the kernel knows", c.Name, c.Table, n)
			}
		}
		if (c.Mask == 0) != (len(c.Field) == 0) {
			t.Errorf("%s: mask %#x and %d values", c.Name, c.Mask, len(c.Field))
		}
		// A value outside the mask could never be met.
		if c.Mask != 0 {
			for _, n := range c.Field {
				for _, f := range table.Values {
					if (f.Name == n || n == "*" && f.HasKernel) && (f.Kernel&^c.Mask != 0 || f.Arm64&^c.Mask != 0) {
						t.Errorf("%s: %s is outside the mask", c.Name, f.Name)
					}
				}
			}
		}
	}
}
