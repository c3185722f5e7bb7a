// Package bpf is the eBPF probes, modern and classic: programs in the kernel that lay out
// events where they happen, and the half that loads and reads them.
//
// In a nutshell: Open writes what is wanted into the constants of the object that
// is compiled from modern/ (load.go, tables.go), loads the programs of the wanted
// events and hangs the first ones on their tracepoints (attach.go). The kernel
// sends events into ring buffers that are mapped here (ring.go); ReadInto takes the oldest
// one of all buffers (reader.go, driver.Merger) without copying it.
//
// Which processes are watched is decided in the kernel: all, a tree that the probe
// keeps up to date as processes are made and end (scope.go), or a cgroup. Processes
// are named by the ids of the PID namespace that the reader runs in (ids.go); events
// have those of the initial one.
//
// The classic probe, for kernels without BTF or ring buffer, is a file that classic/ has
// compiled for one kernel: OpenClassic checks it (classic_file.go, classic_object.go), loads and attaches its
// programs (classic_load.go, classic_attach.go), and takes events out of perf buffers (classic_ring.go).
//
// A Driver is read by one goroutine at a time. Stop, Close, Add and Stats may be
// called from any.
package bpf

//go:generate go tool bpf2go -go-package bpf -target amd64,arm64 modern modern/probe.bpf.c -- -mcpu=v3 -O2 -Wall -Wextra -Wno-unused-parameter -Werror

// What a linker would need of an object, a third of its size, and the names of places
// that jumps lead to, a tenth.
//
//go:generate llvm-objcopy --discard-all --remove-section=.rel.BTF --remove-section=.rel.BTF.ext modern_x86_bpfel.o
//go:generate llvm-objcopy --discard-all --remove-section=.rel.BTF --remove-section=.rel.BTF.ext modern_arm64_bpfel.o
