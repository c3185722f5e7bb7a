package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
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

// TestConvertBPF looks at the conversions as a classic probe gets them: no
// tables, no calls, no way back, and few enough instructions for the 4096 that
// Linux 4.14 takes.
func TestConvertBPF(t *testing.T) {
	clang := compilers(t, "clang")[0]
	source := "typedef unsigned char u8;\ntypedef unsigned short u16;\ntypedef unsigned int u32;\ntypedef unsigned long long u64;\n" +
		"typedef short s16;\ntypedef int s32;\ntypedef long long s64;\n#define __always_inline inline __attribute__((always_inline))\n" +
		"#include \"convert.h\"\n"
	for _, c := range spec.Conversions {
		source += fmt.Sprintf("u64 %s(u64 v) { return conv_%[1]s(v); }\n", c.Name)
	}
	for _, arch := range []string{"x86", "arm64"} {
		obj := filepath.Join(t.TempDir(), "convert.o")
		cmd := exec.Command(clang, "-target", "bpf", "-mcpu=v1", "-D__TARGET_ARCH_"+arch, "-O2", "-Wall", "-Wextra", "-Werror",
			"-I", uapi, "-x", "c", "-c", "-", "-o", obj)
		cmd.Stdin = strings.NewReader(source)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		checkBPF(t, obj)
	}
}

func checkBPF(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type == elf.SHT_REL && s.Name == ".rel.text" || strings.HasPrefix(s.Name, ".rodata") || strings.HasPrefix(s.Name, ".data") {
			t.Errorf("the probe has a section %s", s.Name)
		}
	}
	text, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	const (
		size     = 8    // bytes of an instruction
		jmp      = 0x05 // class; include/uapi/linux/bpf.h
		call     = 0x85
		most     = 250 // of one conversion
		classAnd = 0x07
	)
	for i := 0; i+size <= len(text); i += size {
		if op := text[i]; op == call {
			t.Errorf("instruction %d is a call", i/size)
		} else if op&classAnd == jmp && int16(binary.LittleEndian.Uint16(text[i+2:])) < 0 {
			t.Errorf("instruction %d jumps back", i/size)
		}
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size/size > most {
			t.Errorf("%s takes %d instructions", s.Name, s.Size/size)
		}
	}
}
