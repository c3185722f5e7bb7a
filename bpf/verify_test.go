package bpf

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// maxVerified bounds what a program may cost the verifier, in instructions that it
// looks at; the kernel's own bound is a million. Loading takes as long.
const maxVerified = 80_000

// TestVerify loads every program there is with everything that its constants can rule
// in or out: what the verifier says must not depend on what is wanted.
func TestVerify(t *testing.T) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		for _, dynamic := range []bool{false, true} {
			for name, scope := range map[string]Scope{"host": {Host: true}, "tree": {}, "cgroup": {Cgroup: "x"}} {
				t.Run(fmt.Sprintf("%v/dynamic=%v/%s", in, dynamic, name), func(t *testing.T) {
					verify(t, Config{Profile: in, Snaplen: 80, DynamicSnaplen: dynamic, SamplingRatio: 2, Scope: scope})
				})
			}
		}
	}
}

// TestTailCalls: programs of events make none. They are loaded while others are put where tail
// calls lead to, which some kernels can't take, see fillTails.
func TestTailCalls(t *testing.T) {
	s, err := loadModern()
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for name, p := range s.Programs {
		for _, ins := range p.Instructions {
			if !ins.IsBuiltinCall() || asm.BuiltinFunc(ins.Constant) != asm.FnTailCall {
				continue
			}
			if made++; slices.Contains(slices.Collect(maps.Values(programs)), name) {
				t.Errorf("%s makes a tail call", name)
			}
		}
	}
	if made == 0 {
		t.Error("no program makes a tail call")
	}
}

func verify(t *testing.T, cfg Config) {
	cfg.Events = drivertest.Set(t, "all", cfg.Profile)
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	s, err := loadModern()
	if err != nil {
		t.Fatal(err)
	}
	d := &Driver{reader: reader{cfg: cfg, sel: newSelection(cfg.Profile, cfg.Events), numCPU: 1}}
	if err := d.configure(s); err != nil {
		t.Fatal(err)
	}
	c, err := ebpf.NewCollection(s)
	if err != nil {
		t.Fatal(oneLine(err))
	}
	defer c.Close()
	for name, p := range c.Programs {
		info, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		// Linux before 5.16 does not tell.
		if n, ok := info.VerifiedInstructions(); ok && n > maxVerified {
			t.Errorf("%s costs the verifier %d instructions", name, n)
		}
	}
}
