// Package vmtest runs tests in virtual machines with other kernels than the one
// at hand.
//
// In a nutshell: Kernels are Debian's, fetched by internal/debian. A VM is a
// kernel and what it is given: files, modules, a command line. Run boots it with
// QEMU and runs one program in it; Test does so with the test binary of the
// package that calls it, and reports what the tests inside say as subtests:
//
//	func TestKernels(t *testing.T) {
//		for _, k := range vmtest.Kernels(t) {
//			t.Run(k.Name, func(t *testing.T) {
//				vm := vmtest.VM{Kernel: k, Modules: []string{"unix_diag"}}
//				vm.Test(t, "-test.run=Conformance")
//			})
//		}
//	}
//
// The machine has no disk and no network: all that goes in is its initial file
// system, made by initrd.go, where internal/vmtest/init is process 1. What the
// program prints comes out of a serial port, and after it a line that says how
// it ended. A machine that panics or hangs does not get so far, which is how
// that is told; a status of QEMU's own would have to be different on each
// architecture (isa-debug-exit is x86's). The kernel's messages go to another
// port; a warning or an oops there fails the test.
//
// There is no KVM in it: processors are emulated everywhere alike, other
// architectures too. A boot takes 3 to 6 seconds.
//
// Tests need LANNER_TEST_KERNELS, names of kernels or "all", because they take
// minutes. Where QEMU or the packages cannot be had they are skipped, but fail
// under CI=true or LANNER_TEST_ALL=1.
package vmtest
