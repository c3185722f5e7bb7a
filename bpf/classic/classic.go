// Package classic has the sources of the classic probe, and compiles them.
//
// In a nutshell: probe.bpf.c and what it includes are part of the program. Build compiles
// them against the headers of a kernel with clang and llc, as the kernel's own BPF samples
// were before BTF: with the kernel's target first, because that is what its headers are
// for, and from there to BPF. Package bpf loads what comes out.
package classic

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lannerhq/lanner/bpf/ops"
	"github.com/lannerhq/lanner/internal/compile"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/kernel/event/spec"
	"github.com/lannerhq/lanner/kernel/uapi"
)

//go:embed *.h *.bpf.c
var sources embed.FS

// Versions returns the versions of the interface and of the schema that a probe of an
// edition has, packed as the contract has it: major<<44 | minor<<24 | patch.
func Versions(in spec.Profile) (api, schema uint64) {
	if in == spec.V036 {
		return 5 << 44, 2<<44 | 10<<24
	}
	return 10<<44 | 1<<24, 4<<44 | 5<<24 | 1
}

// targets are what clang calls the machines, and what it is to be told besides.
var targets = map[string]struct {
	triple string
	flags  []string
}{
	"x86":   {"x86_64-linux-gnu", []string{"-mcmodel=kernel", "-DCC_USING_FENTRY"}},
	"arm64": {"aarch64-linux-gnu", []string{"-DKASAN_SHADOW_SCALE_SHIFT=0"}},
}

// Build compiles the probe against a kernel's headers and writes it to a file. An error is
// one line, the first that the compiler has to say. Further macros are for tests: with
// LANNER_TRACEPOINTS=1 it is the probe of kernels that are older than any they can have.
func Build(ctx context.Context, h *headers.Tree, in spec.Profile, file string, macros ...string) error {
	target, ok := targets[h.Machine]
	if !ok {
		return fmt.Errorf("the probe is not for %s", h.Machine)
	}
	if err := compile.Need("the packages clang and llvm", "clang", "llc", "llvm-strip"); err != nil {
		return err
	}
	dir, err := compile.Dir(map[string]embed.FS{"bpf/classic": sources, "bpf/ops": ops.Headers, "kernel/uapi": uapi.Headers})
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	own, err := compile.Run(ctx, dir, "clang", "-print-resource-dir")
	if err != nil {
		return err
	}
	api, schema := Versions(in)
	profile := "PROFILE_CURRENT"
	if in == spec.V036 {
		profile = "PROFILE_036"
	}
	args := []string{"-target", target.triple, "-nostdinc", "-isystem", strings.TrimSpace(own) + "/include"}
	args = append(args, h.Includes()...)
	args = append(args, "-D__KERNEL__", "-D__BPF_TRACING__", `-DKBUILD_MODNAME="lanner"`,
		"-DLANNER_PROFILE="+profile, fmt.Sprintf("-DLANNER_API_VERSION=%#x", api), fmt.Sprintf("-DLANNER_SCHEMA_VERSION=%#x", schema))
	args = append(args, target.flags...)
	for _, m := range macros {
		args = append(args, "-D"+m)
	}
	// The kernel's headers are full of what clang would warn of, and since 6.19 of members
	// that are structures with a tag but no name. No tables, no loops.
	args = append(args, "-std=gnu11", "-fms-extensions", "-O2", "-w", "-fshort-wchar", "-fno-strict-aliasing", "-fno-jump-tables",
		"-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Werror=pass-failed", "-emit-llvm", "-c", "bpf/classic/probe.bpf.c", "-o", "probe.bc")
	if _, err := compile.Run(ctx, dir, "clang", args...); err != nil {
		return err
	}
	if _, err := compile.Run(ctx, dir, "llc", "-march=bpf", "-filetype=obj", "-o", "probe.o", "probe.bc"); err != nil {
		return err
	}
	if _, err := compile.Run(ctx, dir, "llvm-strip", "-g", "-x", "probe.o"); err != nil {
		return err
	}
	return compile.Install(filepath.Join(dir, "probe.o"), file)
}
