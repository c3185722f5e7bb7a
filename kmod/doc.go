// Package kmod is the kernel module: C sources that make the events (module/), and the
// half that reads its devices.
//
// In a nutshell: the module (see module/Kbuild for how it is built) makes a device for
// each CPU. Open opens all of them from one thread, by which the module knows its
// readers (control.go), checks the versions (device.go), says what is wanted
// (choice.go) and maps the rings (ring.go). ReadInto takes the oldest event of all rings
// (driver.Merger) without copying it.
//
// The devices are those of Falco's and sysdig's module; docs/module.md describes them, and
// the older layouts that those readers expect can be chosen when the module is built.
// What is watched is decided in the kernel as far as the module can: whole trees and
// cgroups only by ours. With another one everything is watched, this process too.
//
// A Driver is read by one goroutine at a time. Stop, Close, Add and Stats may be called
// from any.
package kmod
