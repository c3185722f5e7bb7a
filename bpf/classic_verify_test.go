package bpf

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// debianProbes builds probes for Debian 12's kernel, which any machine can check.
func debianProbes(t *testing.T, macros ...string) string {
	t.Helper()
	return probetest.For(t, vmtest.Stable(t, "amd64"), macros...)
}

// What Linux 4.14 takes: the numbers of helpers that it has for tracing (kernel/trace/
// bpf_trace.c: tracing_func_proto), and how many instructions a program may have.
var (
	oldHelpers     = []int32{1, 2, 3, 4, 5, 8, 12, 14, 25, 35, 37, 45}
	oldMaxProgram  = 4096
	maxOldVerified = 131072 // BPF_COMPLEXITY_LIMIT_INSNS
)

// jumps returns the constant indexes of tail calls, as the last instruction before that sets
// their register says.
func jumps(code []byte) (to []uint32) {
	const tailCall, index = 12, 3
	for i := 0; i < len(code); i += instruction {
		if code[i] != 0x85 || binary.LittleEndian.Uint32(code[i+4:]) != tailCall {
			continue
		}
		for k := i - instruction; k >= 0; k -= instruction {
			const st, stx, jmp, jmp32 = 2, 3, 5, 6 // include/uapi/linux/bpf.h: classes that set no register
			class := code[k] & 7
			if code[k+1]&15 != index || class == st || class == stx || class == jmp || class == jmp32 {
				continue
			}
			if code[k] == 0xb7 || code[k] == 0xb4 { // mov, of 64 and 32 bits
				to = append(to, binary.LittleEndian.Uint32(code[k+4:]))
			}
			break
		}
	}
	return to
}

// TestClassicPrograms: a probe is what old verifiers take. No program is too long, jumps
// back, or calls what there is not.
func TestClassicPrograms(t *testing.T) {
	t.Run("raw", func(t *testing.T) { classicPrograms(t, debianProbes(t)) })
	t.Run("tracepoints", func(t *testing.T) { classicPrograms(t, debianProbes(t, probetest.Tracepoints)) })
}

func classicPrograms(t *testing.T, dir string) {
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		f, err := elf.Open(probetest.In(dir, in))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, s := range f.Sections {
			if strings.HasPrefix(s.Name, ".data") || strings.HasPrefix(s.Name, ".bss") || strings.HasPrefix(s.Name, ".rel.rodata") {
				t.Errorf("%v: the probe has a section %s: kernels before 5.2 have no global data", in, s.Name)
			}
		}
		o, err := loadObject(probetest.In(dir, in))
		if err != nil {
			t.Fatal(err)
		}
		var helpers []int32
		jumped := 0
		for name, p := range o.programs {
			if n := len(p.code) / instruction; n > oldMaxProgram {
				t.Errorf("%v: %s has %d instructions", in, name, n)
			}
			for i := 0; i < len(p.code); i += instruction {
				const call, callClass, jmp = 0x85, 0x07, 0x05 // include/uapi/linux/bpf.h
				switch op := p.code[i]; {
				case op == call && p.code[i+1]>>4 != 0:
					t.Errorf("%v: %s calls a function at %d", in, name, i/instruction)
				case op == call:
					if id := int32(binary.LittleEndian.Uint32(p.code[i+4:])); !slices.Contains(helpers, id) {
						helpers = append(helpers, id)
					}
				case op&callClass == jmp+1:
					t.Errorf("%v: %s compares 32 bits at %d", in, name, i/instruction)
				}
			}
			if strings.HasPrefix(p.hook, filledPrefix) {
				for _, to := range jumps(p.code) {
					if jumped++; to < firstStage {
						t.Errorf("%v: %s jumps to what is no stage: %d; see fillTails", in, name, to)
					}
				}
			}
			if at := loop(p.code); at >= 0 {
				t.Errorf("%v: %s has a loop at %d", in, name, at)
			}
		}
		if jumped == 0 {
			t.Errorf("%v: no program jumps to a stage", in)
		}
		slices.Sort(helpers)
		if !slices.Equal(helpers, oldHelpers) {
			t.Errorf("%v: helpers %v are called, want %v", in, helpers, oldHelpers)
		}
		for typ := range programs {
			if typ.Row().In&in != 0 && o.programs[programs[typ]] == nil {
				t.Errorf("%v: no program lays out %v", in, typ)
			}
		}
	}
}

// loop returns an instruction from which control comes back to one that led there, -1 if
// there is none (kernel/bpf/verifier.c: check_cfg).
func loop(code []byte) int {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(code)/instruction)
	var visit func(i int) int
	visit = func(i int) int {
		state[i] = open
		op, next := code[i*instruction], []int{i + 1}
		switch off := int(int16(binary.LittleEndian.Uint16(code[i*instruction+2:]))); {
		case op == 0x95: // exit
			next = nil
		case op == 0x18: // two instructions long
			next[0]++
		case op == 0x05: // always jumps
			next[0] += off
		case op&0x07 == 0x05 && op != 0x85:
			next = append(next, i+1+off)
		}
		for _, n := range next {
			if state[n] == open {
				return i
			}
			if state[n] == unseen {
				if at := visit(n); at >= 0 {
					return at
				}
			}
		}
		state[i] = done
		return -1
	}
	return visit(0)
}

// TestClassicVerify loads every program there is. What the verifier says does not depend
// on what is wanted, because that is in maps.
func TestClassicVerify(t *testing.T) {
	dir := probetest.Dir()
	if dir == "" {
		dir = debianProbes(t)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		o, err := loadObject(probetest.In(dir, in))
		if err != nil {
			t.Fatal(err)
		}
		d := &Classic{reader: reader{numCPU: 1, sleeper: newSleeper()}, obj: o, maps: make(map[string]*ebpf.Map)}
		if err := d.makeMaps(); err != nil {
			t.Fatal(err)
		}
		most, which := uint32(0), ""
		for name := range o.programs {
			p, err := d.program(name)
			if err != nil {
				t.Errorf("%v: %s: %v", in, name, oneLine(err))
				continue
			}
			if strings.HasPrefix(o.programs[name].hook, filledPrefix) {
				if err := d.maps["tail_map"].Put(uint32(0), uint32(p.FD())); err != nil {
					t.Errorf("%v: %s can't be tail-called: %v", in, name, err)
				}
			}
			info, err := p.Info()
			if err != nil {
				t.Fatal(err)
			}
			// Linux before 5.16 does not tell.
			n, ok := info.VerifiedInstructions()
			if n > uint32(maxOldVerified)/4 {
				t.Logf("%v: %s costs %d", in, name, n)
			}
			if ok && n > most {
				most, which = n, name
			}
			p.Close()
		}
		d.release()
		t.Logf("%v: %d programs; %s costs the verifier most, %d instructions", in, len(o.programs), which, most)
		if most > uint32(maxOldVerified) {
			t.Errorf("%v: %s costs the verifier %d instructions", in, which, most)
		}
	}
}
