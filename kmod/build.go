package kmod

import (
	"context"
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/lannerhq/lanner/internal/compile"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/kernel/uapi"
)

//go:embed module/*.c module/*.h module/Kbuild
var sources embed.FS

// Editions of the module, as its Kbuild has them.
const (
	Current = "current"
	V036    = "0.36"
	Legacy  = "legacy" // the events of 0.36 behind the devices of March 2022
)

// Build compiles the module of an edition against a kernel's headers and writes it to a
// file. An error is one line, the first that the compiler has to say.
func Build(ctx context.Context, h *headers.Tree, edition, file string) error {
	if err := compile.Need("the packages make and binutils", "make", "strip"); err != nil {
		return err
	}
	compiler, err := compilerArgs(h)
	if err != nil {
		return err
	}
	dir, err := compile.Dir(map[string]embed.FS{"kmod": sources, "kernel/uapi": uapi.Headers})
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "kmod/module")
	// Types of modules need a tool that headers lack, and nobody asks for those of ours.
	args := append([]string{"-C", h.Build, "M=" + at, "MODULE=" + Name, "EDITION=" + edition, "CONFIG_DEBUG_INFO_BTF_MODULES="}, compiler...)
	if _, err := compile.Run(ctx, dir, "make", append(args, "modules")...); err != nil {
		return err
	}
	made := filepath.Join(at, Name+".ko")
	if _, err := compile.Run(ctx, dir, "strip", "--strip-debug", made); err != nil { // nine tenths of it
		return err
	}
	return compile.Install(made, file)
}

// compilerText is what a kernel's configuration says of who compiled it, as
// CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14) 12.2.0".
var compilerText = regexp.MustCompile(`(?m)^#define CONFIG_CC_VERSION_TEXT "(\S+) `)

// compilerArgs chooses the compiler: the one that made the kernel, or the machine's own if
// that is not here. A kernel made by clang takes modules made by clang.
func compilerArgs(h *headers.Tree) ([]string, error) {
	text, err := os.ReadFile(h.Build + "/include/generated/autoconf.h")
	if err != nil {
		return nil, err
	}
	cc, own := "gcc", "gcc"
	if m := compilerText.FindSubmatch(text); m != nil {
		cc = filepath.Base(string(m[1]))
	}
	if i := strings.Index(cc, "-linux-gnu-"); i >= 0 { // x86_64-linux-gnu-gcc-12 (Debian's, since 2023)
		cc = cc[i+len("-linux-gnu-"):]
	}
	var args []string
	if strings.Contains(cc, "clang") {
		own, args = "clang", []string{"LLVM=1"}
	}
	if _, err := exec.LookPath(cc); err == nil {
		return append(args, "CC="+cc), nil
	}
	return append(args, "CC="+own), compile.Need("the package "+own+" (the kernel was made by "+cc+")", own)
}
