package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// inputs are arguments that may tell a wrong conversion from a right one.
func inputs(c *spec.Converter, rnd *rand.Rand) []uint64 {
	in := []uint64{0, 1<<32 - 1, 1<<64 - 1, 1 << 31}
	for bit := range 64 {
		in = append(in, 1<<bit)
	}
	for _, p := range c.Field {
		in = append(in, p.Kernel, p.Kernel+1, p.Kernel-1, p.Kernel|1<<40, p.Kernel|rnd.Uint64()&^c.Mask)
	}
	for range 100 {
		in = append(in, rnd.Uint64(), rnd.Uint64()&rnd.Uint64()&rnd.Uint64(), rnd.Uint64N(1<<16), rnd.Uint64N(128))
	}
	return in
}

// TestConvertC compares every generated conversion with spec.Converter, those of
// both machines: the arithmetic is the same wherever it runs.
func TestConvertC(t *testing.T) {
	source := "#include <stdio.h>\n#include \"ops.h\"\n\nint main(void)\n{\n\tunsigned id;\n\tunsigned long long v;\n\n" +
		"\twhile (scanf(\"%u %llx\", &id, &v) == 2) {\n\t\tu64 out = 0;\n\n\t\tswitch (id) {\n"
	for i, c := range spec.Conversions {
		source += fmt.Sprintf("\t\tcase %d: out = conv_%s(v); break;\n", i, c.Name)
	}
	source += "\t\t}\n\t\tprintf(\"%llx\\n\", (unsigned long long)out);\n\t}\n\treturn 0;\n}\n"
	for _, cc := range compilers(t, "gcc", "clang") {
		for arch, flag := range map[spec.Arch]string{spec.X86: "-DLANNER_ARCH_X86", spec.Arm64: "-DLANNER_ARCH_ARM64"} {
			t.Run(cc+flag, func(t *testing.T) {
				t.Parallel()
				bin := compile(t, cc, source, flag)
				rnd := rand.New(rand.NewPCG(1, uint64(arch)))
				var in bytes.Buffer
				var want []string
				for i := range spec.Conversions {
					c := spec.Conversions[i].On(arch)
					for _, v := range inputs(c, rnd) {
						fmt.Fprintf(&in, "%d %x\n", i, v)
						want = append(want, fmt.Sprintf("%s(%#x) = %x", spec.Conversions[i].Name, v, c.Convert(v)))
					}
				}
				got := run(t, bin, in.Bytes())
				if len(got) != len(want) {
					t.Fatalf("%d answers to %d questions", len(got), len(want))
				}
				bad := 0
				for i, g := range got {
					if !strings.HasSuffix(want[i], "= "+g) {
						t.Errorf("C says %s, want %s", g, want[i])
						if bad++; bad == 20 {
							t.Fatal("and more")
						}
					}
				}
			})
		}
	}
}
