package kmod

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// smallModule is an object of nothing but what a module says of itself.
func smallModule(fields ...string) []byte {
	info := []byte(strings.Join(fields, "\x00") + "\x00")
	names := []byte("\x00.modinfo\x00.shstrtab\x00")
	const head, section = 64, 64
	body := slices.Concat(info, names)
	var out bytes.Buffer
	le := binary.LittleEndian
	h := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: uint64(head + len(body)), Ehsize: head, Shentsize: section, Shnum: 3, Shstrndx: 2}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	_ = binary.Write(&out, le, &h) // a buffer takes everything
	out.Write(body)
	for _, s := range []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: head, Size: uint64(len(info))},
		{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: uint64(head + len(info)), Size: uint64(len(names))},
	} {
		_ = binary.Write(&out, le, &s)
	}
	return out.Bytes()
}

// TestInspect: what a module says of itself, and what is none of ours.
func TestInspect(t *testing.T) {
	for _, c := range []struct {
		image []byte
		want  Info
		ok    bool
	}{
		{smallModule("vermagic=6.1.0-x SMP mod_unload", "api=10.1.0", "schema=4.5.1"), Info{"6.1.0-x", "10.1.0", "4.5.1", spec.Current}, true},
		{smallModule("schema=2.10.0", "api=5.0.0", "vermagic=6.1.0-x "), Info{"6.1.0-x", "5.0.0", "2.10.0", spec.V036}, true},
		{smallModule("schema=1.0.0", "api=1.0.0", "vermagic=y"), Info{"y", "1.0.0", "1.0.0", spec.V036}, true},
		{smallModule("vermagic=6.1.0-x SMP", "version=0.36"), Info{}, false},
		{smallModule("vermagic=6.1.0-x SMP", "api=10.1.0", "schema=3.0.0"), Info{}, false},
		{smallModule("vermagic=6.1.0-x SMP", "api=100.1.0", "schema=4.0.0"), Info{}, false},
		{nil, Info{}, false},
		{[]byte("\x7fELF"), Info{}, false},
	} {
		file := filepath.Join(t.TempDir(), "x.ko")
		if err := os.WriteFile(file, c.image, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := Inspect(file)
		if c.ok && (err != nil || *info != c.want) || !c.ok && (!errors.Is(err, errNoModule) || strings.Count(err.Error(), file) != 1) {
			t.Errorf("%q: %+v, %v; want %+v", c.image, info, err, c.want)
		}
	}
}

func FuzzModule(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(smallModule("vermagic=6.1.0-x SMP", "api=10.1.0", "schema=4.5.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if info, err := parseModule(b); (err == nil) != (info != nil) {
			t.Errorf("%v %v", info, err)
		}
	})
}

// TestRefusedLoad: each way for the kernel to refuse a module is one line.
func TestRefusedLoad(t *testing.T) {
	for errno, want := range map[unix.Errno]string{
		unix.EEXIST: "loaded already", unix.EKEYREJECTED: "not signed", unix.ENOKEY: "not signed", unix.ENOEXEC: "see dmesg",
		unix.ENOENT: "lacks what", unix.ENOSYS: "CONFIG_MODULES", unix.ENOMEM: "cannot allocate memory",
	} {
		if err := refused("/x.ko", errno); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want %q", errno, err, want)
		}
	}
}

// TestCompiler: the compiler that made the kernel is taken if it is there.
func TestCompiler(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"gcc-12", "gcc", "clang", "clang-19"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	h := &headers.Tree{Build: t.TempDir()}
	if err := os.MkdirAll(h.Build+"/include/generated", 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"gcc-12 (Debian 12.2.0-14) 12.2.0":                    "[CC=gcc-12]",
		"x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0":   "[CC=gcc-12]",
		"gcc-10 (Debian 10.2.1-6) 10.2.1 20210110":            "[CC=gcc]",
		"clang version 18.1.3":                                "[LLVM=1 CC=clang]",
		"/usr/bin/x86_64-linux-gnu-gcc-11 (Ubuntu 11) 11.4.0": "[CC=gcc]",
	} {
		config := "#define CONFIG_X86_64 1\n#define CONFIG_CC_VERSION_TEXT \"" + text + "\"\n"
		if err := os.WriteFile(h.Build+"/include/generated/autoconf.h", []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if args, err := compilerArgs(h); err != nil || strings.Join(args, " ") != strings.Trim(want, "[]") {
			t.Errorf("%s: %v, %v; want %s", text, args, err, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := compilerArgs(h); err == nil || !strings.Contains(err.Error(), " is missing: install the package ") {
		t.Errorf("without a compiler: %v", err)
	}
}
