package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Probes are looked at as a kernel without BTF gets them: no tables, no calls but
// to helpers, no way back, and few enough instructions for the 4096 that Linux
// 4.14 takes. What drivers add is theirs to keep small.

const bpfTypes = `typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef short s16;
typedef int s32;
typedef long long s64;
#define __always_inline inline __attribute__((always_inline))
`

func TestConvertBPF(t *testing.T) {
	source := bpfTypes + "#include \"convert.h\"\n"
	for _, c := range spec.Conversions {
		source += fmt.Sprintf("u64 %s(u64 v) { return conv_%[1]s(v); }\n", c.Name)
	}
	checkBPF(t, source, 250)
}

// TestFillBPF compiles every row over ops that do next to nothing.
func TestFillBPF(t *testing.T) {
	checkBPF(t, bpfTypes+`#include "event.h"
struct call { u64 args[6]; u32 current, off, lens; u8 buf[8192]; };
static __always_inline int current_profile(struct call *c) { return c->current; }
#define PUT(name, type) static __always_inline void put_##name(struct call *c, type v) \
{ *(type *)&c->buf[c->off & 4095] = v; c->off += sizeof(v); *(u16 *)&c->buf[c->lens & 4095] = sizeof(v); c->lens += 2; }
PUT(u8, u8) PUT(u16, u16) PUT(u32, u32) PUT(u64, u64) PUT(s64, s64)
#define FILL(name, type, n) \
static __always_inline void fill_##name(struct call *c); \
void name(struct call *c) { c->lens = 26; c->off = 26 + 2 * (n); fill_##name(c); } \
static __always_inline void fill_##name(struct call *c)
#define FILL_ITER FILL
`+stubs()+"#include \"fill.h\"\n"+stubFillers(), 1000)
}

// stubs supplies what the first comment of fill.h asks for, from the same rows.
func stubs() string {
	var b strings.Builder
	for o := spec.Result; o < spec.NumOps; o++ {
		row := &spec.Ops[o]
		params, sum := "struct call *c", "c->off"
		for i := range row.Args {
			params += ", u64 " + string("xyz"[i])
			sum += " + " + string("xyz"[i])
		}
		switch {
		case o == spec.Arg:
			b.WriteString("static __always_inline u64 arg(struct call *c, int n) { return c->args[n]; }\n")
		case row.Kind == spec.Yields:
			fmt.Fprintf(&b, "static __always_inline u64 %s(%s) { return %s; }\n", row.Name, params, sum)
		case row.Kind == spec.Puts:
			fmt.Fprintf(&b, "static __always_inline void put_%s(%s) { put_u64(c, %s); }\n", row.Name, params, sum)
		}
	}
	return b.String()
}

func stubFillers() string {
	var b strings.Builder
	for _, e := range spec.Events {
		if e.Filler != "" {
			fmt.Fprintf(&b, "static __always_inline void filler_%s(struct call *c) { put_u64(c, 0); }\n", e.Filler)
		}
	}
	return b.String()
}

// checkBPF compiles a probe for both machines; none of its functions may have
// more instructions than most.
func checkBPF(t *testing.T, source string, most uint64) {
	t.Helper()
	clang := compilers(t, "clang")[0]
	for _, arch := range []string{"x86", "arm64"} {
		obj := filepath.Join(t.TempDir(), arch+".o")
		cmd := exec.Command(clang, "-target", "bpf", "-mcpu=v1", "-D__TARGET_ARCH_"+arch, "-O2", "-Wall", "-Wextra", "-Werror",
			"-I", uapi, "-x", "c", "-c", "-", "-o", obj)
		cmd.Stdin = strings.NewReader(source)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		checkObject(t, obj, most)
	}
}

func checkObject(t *testing.T, path string, most uint64) {
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
