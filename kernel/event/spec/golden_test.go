package spec_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGolden shows every change of a row in review: numbers and the order of
// parameters are promises to readers that are already out there.
func TestGolden(t *testing.T) {
	const path = "testdata/rows.golden"
	got := dump()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s:%d: rows say\n%s\nwant\n%s\n(go test ./kernel/event/spec -update, if this is meant)", path, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, rows give %d", path, len(w), len(g))
}

func dump() []byte {
	var b bytes.Buffer
	for _, e := range spec.Events {
		fmt.Fprintf(&b, "%d %s %s; category %#x; flags %#x; in %s", e.Number, e.Ident, e.Name, uint16(e.Category), uint16(e.Flags), e.In)
		if e.Filler != "" {
			fmt.Fprintf(&b, "; filler %s", e.Filler)
		}
		if e.Kernel {
			b.WriteString("; kernel only")
		}
		if e.Loss != spec.NoLoss {
			fmt.Fprintf(&b, "; lost as %s", e.Loss)
		}
		b.WriteByte('\n')
		for _, p := range e.Params {
			fmt.Fprintf(&b, "\t%s %s %s", p.Name, p.Type, p.Format)
			for _, s := range []string{p.Table, p.Dyn} {
				if s != "" {
					fmt.Fprintf(&b, " %s", s)
				}
			}
			if p.RelTo != 0 {
				fmt.Fprintf(&b, " relative to %d", p.RelTo)
			}
			if p.Since != spec.Both {
				fmt.Fprintf(&b, " in %s", p.Since)
			}
			if p.From.Op != spec.NoOp {
				fmt.Fprintf(&b, "; %s", p.From.Words())
			}
			b.WriteByte('\n')
		}
	}
	for _, s := range spec.Syscalls {
		fmt.Fprintf(&b, "code %d %s x86_64 %d aarch64 %d event %s drop %d in %s\n", s.SC, s.Name, s.X86, s.Arm64, s.Event, s.Drop, s.In)
	}
	for _, c := range spec.I386Calls {
		fmt.Fprintf(&b, "i386 %d %s current %q 0.36 %q\n", c.Number, c.Name, c.To, c.V036)
	}
	for _, t := range spec.FlagTables {
		fmt.Fprintf(&b, "table %s\n", t.Name)
		for _, f := range t.Values {
			fmt.Fprintf(&b, "\t%s %#x", f.Name, f.Value)
			if f.HasKernel {
				fmt.Fprintf(&b, " kernel %#x", f.Kernel)
			}
			switch {
			case f.OnlyX86:
				b.WriteString(" on x86")
			case f.Arm64 != f.Kernel:
				fmt.Fprintf(&b, " aarch64 %#x", f.Arm64)
			}
			b.WriteByte('\n')
		}
	}
	for _, c := range spec.Conversions {
		fmt.Fprintf(&b, "conversion %s\n", c.Name)
		for _, arch := range []spec.Arch{spec.X86, spec.Arm64} {
			conv := c.On(arch)
			fmt.Fprintf(&b, "\t0 is %#x", conv.Convert(0))
			for bit := range 33 {
				if v := conv.Convert(1 << bit); v != conv.Convert(0) {
					fmt.Fprintf(&b, ", %#x is %#x", uint64(1)<<bit, v)
				}
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
