package vmtest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// BuildModule builds the module whose sources and Kbuild are in dir, with the headers
// that Debian has for the kernel; args are further arguments of make. What is made is
// put into dir.
func (k Kernel) BuildModule(t testing.TB, dir string, args ...string) {
	t.Helper()
	headers, _ := k.Headers(t)
	// Debian compiles with what is newest in each release; the warning that ours is
	// another one is no failure. Types of modules need tools that headers lack.
	args = append([]string{"-C", headers, "M=" + dir, "CONFIG_DEBUG_INFO_BTF_MODULES=", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="}, args...)
	compiler, env := k.compiler(t)
	args = append(args, compiler...)
	cmd := exec.Command("make", append(args, "modules")...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, tail(out, 40))
	}
}

// Headers returns the directory that modules for the kernel are built in, and the
// kernel's version, as uname -r has it.
func (k Kernel) Headers(t testing.TB) (dir, version string) {
	t.Helper()
	dir, err := k.headers()
	if err != nil {
		need(t, fmt.Errorf("no headers of Linux %s: %w", k.Name, err))
	}
	return dir, strings.TrimPrefix(filepath.Base(dir), "linux-headers-")
}

// headers makes the directory ready to be used.
func (k *Kernel) headers() (dir string, err error) {
	kernel, err := k.fetch()
	if err != nil {
		return "", err
	}
	follow := "^linux-(headers|kbuild)-[0-9]"
	if k.Name == Newest {
		follow += "|^(libc6|libelf1(t64)?|libdw1(t64)?|zlib1g|libzstd1|liblzma5|libbz2-1.0|libssl3(t64)?|libgcc-s1)$"
	}
	root, err := debian.Tree{
		Name: "headers-" + kernel.version, Suites: k.suites, Arch: k.Arch, Packages: []string{"linux-headers-" + kernel.version},
		Follow: regexp.MustCompile(follow),
	}.Fetch()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(root, "usr/src/linux-headers-"+kernel.version)
	if err := mend(root, dir); err != nil {
		return "", err
	}
	if k.Arch != runtime.GOARCH {
		return dir, k.ownTools(root)
	}
	return dir, k.wrapTools(root)
}

// compiler returns arguments of make that choose it, and its environment. For another
// architecture it is unpacked aside: it cannot be installed together with gcc-multilib.
func (k *Kernel) compiler(t testing.TB) (args, env []string) {
	t.Helper()
	if k.Arch == runtime.GOARCH {
		return []string{"CC=gcc"}, nil
	}
	triple := map[string]string{"amd64": "x86-64-linux-gnu", "arm64": "aarch64-linux-gnu"}[k.Arch]
	root, err := debian.Tree{
		Name: "gcc-" + k.Arch, Suites: []string{"bookworm"}, Packages: []string{"gcc-12-" + triple},
		Follow: regexp.MustCompile("^(cpp-12|binutils)-" + triple + "$"),
	}.Fetch()
	if err != nil {
		need(t, fmt.Errorf("no compiler for %s: %w", k.Arch, err))
	}
	prefix := root + "/usr/bin/" + strings.ReplaceAll(triple, "x86-64", "x86_64") + "-"
	return []string{"ARCH=" + k.Arch, "CROSS_COMPILE=" + prefix, "CC=" + prefix + "gcc-12"},
		// Headers since 6.12 insist on programs without a directory.
		[]string{"LD_LIBRARY_PATH=" + root + "/usr/lib/x86_64-linux-gnu", "PATH=" + root + "/usr/bin:" + os.Getenv("PATH")}
}

// ownTools replaces tools of another architecture by those of ours.
func (k *Kernel) ownTools(root string) error {
	dirs, _ := filepath.Glob(root + "/usr/lib/linux-kbuild-*")
	if len(dirs) != 1 {
		return fmt.Errorf("%d directories of tools in %s, want one", len(dirs), root)
	}
	name := filepath.Base(dirs[0])
	own, err := debian.Tree{
		Name: name + "-" + runtime.GOARCH, Suites: k.suites, Packages: []string{name}, Follow: regexp.MustCompile("^$"),
	}.Fetch()
	if err != nil {
		return err
	}
	own += "/usr/lib/" + name
	if to, err := os.Readlink(dirs[0]); err == nil && to == own {
		return nil
	}
	return errors.Join(os.RemoveAll(dirs[0]), os.Symlink(own, dirs[0]))
}

// wrapTools makes tools of a release that is newer than this machine run with the
// libraries of theirs.
func (k *Kernel) wrapTools(root string) error {
	libc := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	loader := filepath.Join(libc, "ld-linux-x86-64.so.2")
	if _, err := os.Stat(loader); err != nil {
		return nil // they came without, as they are as old as this machine
	}
	tools := filepath.Join(root, "usr/lib")
	return filepath.WalkDir(tools, func(path string, e os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && filepath.Dir(path) == tools && !strings.HasPrefix(e.Name(), "linux-kbuild-"):
			return filepath.SkipDir
		case !e.Type().IsRegular() || !isProgram(path):
			return nil
		}
		script := fmt.Sprintf("#!/bin/sh\nexec %s --library-path %s --argv0 \"$0\" \"$0.program\" \"$@\"\n", loader, libc)
		if err := os.WriteFile(path+".script", []byte(script), 0o755); err != nil {
			return err
		}
		if err := os.Rename(path, path+".program"); err != nil {
			return err
		}
		return os.Rename(path+".script", path)
	})
}

// isProgram reports whether a file is one that was not wrapped yet.
func isProgram(path string) bool {
	if strings.HasSuffix(path, ".program") || strings.HasSuffix(path, ".so") {
		return false
	}
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Section(".interp") != nil
}

// absolute matches a path in the headers' makefile.
var absolute = regexp.MustCompile(`(?m)^(include |KBUILD_OUTPUT=)/usr/src/`)

// mend makes the headers' makefile, which is for /usr/src, look where they are.
func mend(root, dir string) error {
	name := filepath.Join(dir, "Makefile")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	mended := absolute.ReplaceAll(text, []byte("${1}"+root+"/usr/src/"))
	if bytes.Equal(text, mended) {
		return nil
	}
	f, err := os.CreateTemp(dir, "Makefile-") // others may use it
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(mended); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
