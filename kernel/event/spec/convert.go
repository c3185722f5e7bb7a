package spec

// An Arch is a machine whose calls are told apart in the rows.
type Arch uint8

// The machines. X86 is x86_64 and, for flags, i386 as well.
const (
	X86 Arch = iota
	Arm64
)

// A Converter is a Conversion on one machine, its names resolved.
type Converter struct {
	Mask        uint64
	Field       []Pair // the first that fits counts
	Default     uint64
	Bits        []Pair
	NonNegative bool
}

// A Pair is one value in both encodings.
type Pair struct {
	Kernel, Value uint64
	Name          string
}

// On resolves the names of a conversion for a machine.
//
// Precondition: every name is in the conversion's table (a test checks the rows).
func (c *Conversion) On(arch Arch) *Converter {
	t := FindTable(c.Table)
	r := &Converter{Mask: c.Mask, Default: c.Default, NonNegative: c.NonNegative}
	resolve := func(names []string) (out []Pair) {
		for i := range t.Values {
			f := &t.Values[i]
			if !f.HasKernel || f.OnlyX86 && arch != X86 || len(names) == 0 {
				continue
			}
			for _, n := range names {
				if n == f.Name || n == "*" {
					out = append(out, Pair{f.kernel(arch), f.Value, f.Name})
				}
			}
		}
		return out
	}
	r.Field, r.Bits = resolve(c.Field), resolve(c.Bits)
	for _, a := range c.Also {
		r.Field = append(r.Field, Pair{a.Kernel, t.Find(a.Name).Value, a.Name})
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
	if c.NonNegative && int32(arg) < 0 {
		return 0
	}
	if c.Mask != 0 {
		out = c.Default
		for i := range c.Field {
			if p := &c.Field[i]; arg&c.Mask == p.Kernel {
				out = p.Value
				break
			}
		}
	}
	for i := range c.Bits {
		if p := &c.Bits[i]; arg&p.Kernel != 0 {
			out |= p.Value
		}
	}
	return out
}
