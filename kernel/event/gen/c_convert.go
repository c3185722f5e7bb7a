package main

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

const aboutConvert = `Arguments of calls in the contract's portable encoding: one function for each
conversion, conv_NAME, and the ops that are arithmetic on arguments alone.

Straight-line code: a classic probe of Linux 4.14 may neither loop nor call nor
have tables, and a switch may become one. Values are compared one by one, runs
of values and of bits that move together at once.

Wants u8 to u64, s32 and s64, and __always_inline.`

// cConvert writes the conversions.
func cConvert() []byte {
	h := newHeader("convert", aboutConvert)
	h.WriteString(`
#include "event.h"

/* The machine whose calls are traced; BPF programs say it as bpf_tracing.h wants. */
#if !defined(LANNER_ARCH_X86) && !defined(LANNER_ARCH_ARM64)
#if defined(__x86_64__) || defined(__TARGET_ARCH_x86)
#define LANNER_ARCH_X86
#elif defined(__aarch64__) || defined(__TARGET_ARCH_arm64)
#define LANNER_ARCH_ARM64
#else
#error "the contract covers x86_64 and aarch64"
#endif
#endif
`)
	for i := range spec.Conversions {
		c := &spec.Conversions[i]
		h.f("\n/* to FLAG_%s_ values */\nstatic __always_inline u64 conv_%s(u64 v)\n{\n", strings.ToUpper(c.Table), c.Name)
		h.either(convBody(c.On(spec.X86)), convBody(c.On(spec.Arm64)))
		h.WriteString("}\n")
	}
	cPure(h)
	return h.close()
}

// either writes what differs between the machines.
func (h *header) either(x86, arm64 string) {
	if x86 == arm64 {
		h.WriteString(x86)
		return
	}
	h.f("#if defined(LANNER_ARCH_X86)\n%s#else\n%s#endif\n", x86, arm64)
}

func convBody(c *spec.Converter) string {
	var b strings.Builder
	f := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	f("\tu64 out = %s;\n", literal(c.Default))
	switch c.Mask {
	case 0:
	case 1<<32 - 1:
		f("\tu32 field = v;\n")
	default:
		f("\tu64 field = v & %s;\n", literal(c.Mask))
	}
	f("\n")
	if c.NonNegative {
		f("\tif ((s32)v < 0)\n\t\treturn 0;\n")
	}
	for _, r := range runs(c.Field, c.Default) {
		first, last := r[0], r[len(r)-1]
		names := first.Name
		switch {
		case len(r) == 1:
			f("\tif (field == %s)\n\t\tout = %s;", literal(first.Kernel), literal(first.Value))
		default:
			names += " to " + last.Name
			cond := fmt.Sprintf("field <= %s", literal(last.Kernel))
			if first.Kernel > 0 {
				cond = fmt.Sprintf("field >= %s && %s", literal(first.Kernel), cond)
			}
			f("\tif (%s)\n\t\tout = field%s;", cond, offset(first.Value, first.Kernel))
		}
		f("\t/* %s */\n", names)
	}
	for _, g := range shifts(c.Bits) {
		if g.move {
			f("\tout |= %s;", shifted(g))
		} else {
			f("\tif (v & %s)\n\t\tout |= %s;", literal(g.kernel), literal(g.value))
		}
		f("\t/* %s */\n", strings.Join(g.names, " "))
	}
	f("\treturn out;\n")
	return b.String()
}

// runs cuts the values of a field into those that follow each other in both
// encodings. A kernel value that is there twice counts once, the first time.
func runs(field []spec.Pair, def uint64) [][]spec.Pair {
	var unique []spec.Pair
	for _, p := range field {
		if !slices.ContainsFunc(unique, func(q spec.Pair) bool { return q.Kernel == p.Kernel }) {
			unique = append(unique, p)
		}
	}
	unique = slices.DeleteFunc(unique, func(p spec.Pair) bool { return p.Value == def })
	slices.SortFunc(unique, func(a, b spec.Pair) int { return int(a.Kernel) - int(b.Kernel) })
	var out [][]spec.Pair
	for i := 0; i < len(unique); {
		j := i + 1
		for j < len(unique) && unique[j].Kernel == unique[j-1].Kernel+1 && unique[j].Value == unique[j-1].Value+1 {
			j++
		}
		out = append(out, unique[i:j])
		i = j
	}
	return out
}

func offset(value, kernel uint64) string {
	switch {
	case value > kernel:
		return fmt.Sprintf(" + %s", literal(value-kernel))
	case value < kernel:
		return fmt.Sprintf(" - %s", literal(kernel-value))
	}
	return ""
}

// A group is bits that move together, or bits any of which sets a value.
type group struct {
	move          bool
	left          int // places, negative to the right
	kernel, value uint64
	names         []string
}

// shifts puts single bits that move by as many places into one group.
func shifts(pairs []spec.Pair) []group {
	var out []group
	for _, p := range pairs {
		single := bits.OnesCount64(p.Kernel) == 1 && bits.OnesCount64(p.Value) == 1
		left := bits.TrailingZeros64(p.Value) - bits.TrailingZeros64(p.Kernel)
		i := slices.IndexFunc(out, func(g group) bool { return single && g.move && g.left == left && g.kernel&p.Kernel == 0 })
		if i < 0 {
			out = append(out, group{move: single, left: left, kernel: p.Kernel, value: p.Value, names: []string{p.Name}})
			continue
		}
		out[i].kernel |= p.Kernel
		out[i].value |= p.Value
		out[i].names = append(out[i].names, p.Name)
	}
	return out
}

func shifted(g group) string {
	switch {
	case g.left > 0:
		return fmt.Sprintf("(v & %s) << %d", literal(g.kernel), g.left)
	case g.left < 0:
		return fmt.Sprintf("(v & %s) >> %d", literal(g.kernel), -g.left)
	}
	return fmt.Sprintf("v & %s", literal(g.kernel))
}

// pureC is the C of the pure ops, but for those that are written in line.
var pureC = map[spec.Op]struct{ args, body string }{
	spec.ArgS32:   {"u64 v", "\treturn (s32)v;\n"},
	spec.HiLo:     {"u64 hi, u64 lo", "\treturn hi << 32 | (u32)lo;\n"},
	spec.DirFDRaw: {"u64 v", "\treturn (s32)v == -100 ? EVENT_AT_FDCWD : (s64)v;\t/* AT_FDCWD, linux/fcntl.h */\n"},
	spec.OpenMode: {"u64 flags, u64 mode", ""}, // see openModeC
	// MS_MGC_VAL, linux/mount.h
	spec.MountFlags: {"u64 v", "\treturn (v & 0xffff0000U) == 0xc0ed0000U ? v & 0xffff : v;\n"},
	// new_encode_dev, linux/kdev_t.h, of a number it takes for a dev_t
	spec.EncodeDev: {"u64 v", "\tu32 major = (u32)v >> 20, minor = v & 0xfffff;\n\n\treturn (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;\n"},
}

// inline are the pure ops that have no function of their own.
var inline = []spec.Op{spec.Number, spec.Convert}

func cPure(h *header) {
	for o := range spec.NumOps {
		row := &spec.Ops[o]
		if row.Kind != spec.Pure || slices.Contains(inline, o) {
			continue
		}
		c, ok := pureC[o]
		if !ok {
			panic("no C for the pure op " + row.Name)
		}
		typ := "u64"
		if o == spec.ArgS32 || o == spec.DirFDRaw {
			typ = "s64"
		}
		h.f("\n/* %s */\nstatic __always_inline %s %s(%s)\n{\n", opWords(o), typ, row.Name, c.args)
		if o == spec.OpenMode {
			h.either(openModeC(spec.X86), openModeC(spec.Arm64))
		} else {
			h.WriteString(c.body)
		}
		h.WriteString("}\n")
	}
}

// openModeC tests for O_CREAT or any bit of O_TMPFILE, as upstream does
// (driver/ppm_flag_helpers.h:open_modes_to_scap).
func openModeC(arch spec.Arch) string {
	var mask uint64
	for _, p := range spec.FindConversion("open_flags").On(arch).Bits {
		if p.Name == "O_CREAT" || p.Name == "O_TMPFILE" {
			mask |= p.Kernel
		}
	}
	return fmt.Sprintf("\treturn flags & %s ? conv_chmod_mode(mode) : 0;\n", literal(mask))
}
