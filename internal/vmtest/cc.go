package vmtest

import (
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// CC returns a C compiler for static programs of an architecture, and what it is
// always told. For another architecture it is clang, with a C library fetched:
// Debian's cross compilers cannot be installed together with gcc-multilib.
func CC(t testing.TB, arch string) []string {
	t.Helper()
	if arch == runtime.GOARCH {
		return []string{"gcc"}
	}
	triple, ok := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[arch]
	if !ok {
		t.Fatalf("no compiler for %s", arch)
	}
	for _, program := range []string{"clang", "ld.lld"} {
		if _, err := exec.LookPath(program); err != nil {
			need(t, fmt.Errorf("no compiler for %s: %w", arch, err))
		}
	}
	root, err := debian.Tree{
		Name: "libc-" + arch, Suites: []string{"bookworm"}, Arch: arch, Packages: []string{"libc6-dev", "libgcc-12-dev"},
		Follow: regexp.MustCompile("^linux-libc-dev$"),
	}.Fetch()
	if err != nil {
		need(t, fmt.Errorf("no C library for %s: %w", arch, err))
	}
	return []string{"clang", "--target=" + triple, "--sysroot=" + root, "--gcc-toolchain=" + root + "/usr", "-fuse-ld=lld"}
}
