package lacktest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// NoBTF is for a kernel without CONFIG_DEBUG_INFO_BTF.
func NoBTF(t testing.TB) []string {
	t.Helper()
	return begin(t, noBTF)
}

// hideBTF puts empty directories over those where the kernel's types can be: where the
// kernel shows them, and where loaders look for its image else (btf/kernel.go of
// cilium/ebpf: findVMLinux).
func hideBTF() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	for _, dir := range []string{"/sys/kernel/btf", "/boot", "/lib/modules", "/usr/lib/modules", "/usr/lib/debug"} {
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_RDONLY, ""); err != nil && err != unix.ENOENT {
			return fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	if _, err := btf.LoadKernelSpec(); !errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("the kernel's types are not gone: %v", err)
	}
	return nil
}
