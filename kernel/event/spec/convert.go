package spec

// An Arch is a machine whose calls are told apart in the rows.
type Arch uint8

// The machines. X86 is x86_64 and, for flags, i386 as well.
const (
	X86 Arch = iota
	Arm64
)

// A Converter applies a Conversion on one machine.
type Converter struct {
	mask        uint64
	field       []pair
	def         uint64
	bits        []pair
	nonNegative bool
}

type pair struct{ kernel, value uint64 }

// On resolves the names of a conversion for a machine.
//
// Precondition: every name is in the conversion's table (a test checks the rows).
func (c *Conversion) On(arch Arch) *Converter {
	t := FindTable(c.Table)
	r := &Converter{mask: c.Mask, def: c.Default, nonNegative: c.NonNegative}
	resolve := func(names []string) (out []pair) {
		for i := range t.Values {
			f := &t.Values[i]
			if !f.HasKernel || f.OnlyX86 && arch != X86 || len(names) == 0 {
				continue
			}
			for _, n := range names {
				if n == f.Name || n == "*" {
					out = append(out, pair{f.kernel(arch), f.Value})
				}
			}
		}
		return out
	}
	r.field, r.bits = resolve(c.Field), resolve(c.Bits)
	for _, a := range c.Also {
		r.field = append(r.field, pair{a.Kernel, t.Find(a.Name).Value})
	}
	return r
}

func (f *Flag) kernel(arch Arch) uint64 {
	if arch == Arm64 {
		return f.Arm64
	}
	return f.Kernel
}

// Convert returns the portable encoding of a kernel argument.
func (c *Converter) Convert(arg uint64) uint64 {
	var out uint64
	if c.nonNegative && int32(arg) < 0 {
		return 0
	}
	if c.mask != 0 {
		out = c.def
		for _, p := range c.field {
			if arg&c.mask == p.kernel {
				out = p.value
				break
			}
		}
	}
	for _, p := range c.bits {
		if arg&p.kernel != 0 {
			out |= p.value
		}
	}
	return out
}
