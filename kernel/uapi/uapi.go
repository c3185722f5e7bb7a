// Package uapi has the C headers that the kernel's drivers share.
//
// In a nutshell: most are generated from the rows of kernel/event/spec, and say so. The
// fillers here (fill_NAME.h, message.h) are of events whose values come from the caller's
// arguments and memory alone, which drivers read by the same words; what takes a look
// into the kernel is in bpf/ops and kmod/module. All are part of the program, so that it can
// build drivers where there is nothing but itself.
package uapi

import "embed"

//go:embed *.h
var Headers embed.FS
