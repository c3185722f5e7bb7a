// Package uapi has the C headers that the kernel's drivers share: generated from the
// rows of kernel/event/spec, but for drops.h.
//
// In a nutshell: they are part of the program, so that it can build drivers where there
// is nothing but itself.
package uapi

import "embed"

//go:embed *.h
var Headers embed.FS
