package vmtest

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// Headers returns the directory of a kernel's headers, for who compiles against them
// without make.
func (k Kernel) Headers(t testing.TB) string {
	t.Helper()
	kernel, err := k.fetch()
	if err != nil {
		need(t, fmt.Errorf("no Linux %s: %w", k.Name, err))
	}
	root, err := debian.Tree{
		Name: "headers-" + kernel.version, Suites: k.suites, Arch: k.Arch, Packages: []string{"linux-headers-" + kernel.version},
		Follow: regexp.MustCompile("^linux-(headers|kbuild)-[0-9]"),
	}.Fetch()
	if err != nil {
		need(t, fmt.Errorf("no headers of Linux %s: %w", k.Name, err))
	}
	return filepath.Join(root, "usr/src/linux-headers-"+kernel.version)
}

// Stable returns the kernel of Debian's stable release for an architecture.
func Stable(t testing.TB, arch string) Kernel {
	t.Helper()
	for _, k := range kernels {
		if k.Arch == arch && k.suites[len(k.suites)-1] == "bookworm" {
			return k
		}
	}
	t.Fatalf("no kernel for %s", arch)
	return Kernel{}
}
