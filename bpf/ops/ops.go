// Package ops has the C headers of what both probes do alike: how the values of events
// are found and written.
//
// In a nutshell: values.h begins. They are written in a few words that each probe has for
// itself (words.h of bpf/modern and bpf/classic): one reads memory by CO-RE, the other as
// the headers of a kernel have it, and for old verifiers. A probe includes a header behind
// what the header needs of it. Embedded, because the program builds the classic probe.
package ops

import "embed"

//go:embed *.h
var Headers embed.FS
