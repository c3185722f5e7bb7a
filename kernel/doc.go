// Package kernel finds out which of the kernel's own drivers can be used here,
// and why not the others.
//
// In a nutshell: Look describes the machine as far as drivers care: a Feature is
// a check plus the first kernel version that has it, the rest are facts about
// what this process may. Drivers turns that into a Verdict on each driver: usable
// or not, why, and what to change. Open starts the best of them, or a certain
// one; it tries first and asks for reasons only where that failed, so that a
// start that goes well costs no checks. Hold starts a command in two steps, with
// the driver attached in between.
//
// Everything is found out at most once; functions may be called by several
// goroutines, but for Hold, see there.
//
// Files by thing: feature.go the checks, version.go kernel versions, machine.go
// and container.go the facts, fact.go their text, driver.go the verdicts, grant.go
// what to change, blind.go what a driver would not see, open.go the start of a
// driver, hold.go and stage.go that of a command, cgroup.go the names of cgroups.
package kernel
