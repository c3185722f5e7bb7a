package vmtest

import "testing"

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
