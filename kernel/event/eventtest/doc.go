// Package eventtest is the conformance suite of the event contract: small
// programs that do something and say exactly which events that makes. Every
// driver runs the same programs.
//
// In a nutshell: a Case is a program. It runs as a child process under the driver
// to be tested, performs system calls, and states for each what the contract
// says of it: the program knows its own descriptors, ids, addresses and inode
// numbers, so it can state exact values. Run starts every case under a Driver,
// once per edition, and compares what was stated with what was delivered.
//
// A test of a driver:
//
//	func TestMain(m *testing.M) {
//		eventtest.Main() // becomes a case, if this process is to be one
//		os.Exit(m.Run())
//	}
//
//	func TestConformance(t *testing.T) { eventtest.Run(t, eventtest.Driver{...}) }
//
// Cases are written in Go (the test binary executes itself, see Main; calls are
// raw, on one locked thread) or, where Go can't, in C (c/*.c, compiled when the
// test runs). Both write their statements into a file that they have mapped, so
// that stating something is no system call; see statement for the format.
//
// How events are matched: by thread, and in order among the events of the types
// that were stated for that thread. Between two marks (calls of dup3 that fail,
// see Prog.Begin) there must be no further event of these types, but for types
// that the Go runtime makes by itself. Every parameter of every stated event must
// be given, even if only as Any. The enter event of an edition that has one is
// derived: its parameters are those of the same name of the exit event, unless
// stated otherwise.
//
// Files by thing: run.go runs, match.go compares, value.go is what a statement
// may say of a value, prog.go and arena.go are what Go cases are written with,
// build.go compiles C cases, case_*.go and c/ are the cases, by family.
package eventtest
