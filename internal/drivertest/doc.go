// Package drivertest is what tests of the kernel's drivers have in common.
//
// In a nutshell: the drivers (bpf.Driver, bpf.Classic, kmod.Driver) are used alike, so what
// holds of each is tested by one function here that is given what opens the driver, and a
// configuration for it:
//
//	func TestMain(m *testing.M) {
//		drivertest.Main() // first thing
//		...
//	}
//
//	func TestHost(t *testing.T) { drivertest.Host(t, Open, config(t, "all")) }
//
// Trace runs a command under a driver, for tests that look at its events themselves
// (trace.go, values.go). Conformance runs the suite of eventtest (conformance.go), by a Post,
// which is a driver that stays for many commands (post.go). Which processes are watched is
// tested in scope.go, buffers in buffer.go, how it begins and ends in open.go.
package drivertest
