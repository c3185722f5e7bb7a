// Package procfs reads what /proc says about processes.
//
// In a nutshell: there are two layers. The Parse functions turn the bytes of one
// /proc file into values; they open nothing and, unless their comment says
// otherwise, allocate nothing, so a driver may call them for every event with
// files it keeps open itself. Scan and its parts open the files and fill a
// snapshot.State: the machine, its users and the processes that exist before
// the first event.
//
// Processes come and go and refuse while they are read. Scan takes that as
// normal: what cannot be read stays empty. Everything read is bounded, because
// a traced process chooses much of what stands there.
//
// Functions keep no state and may be called by several goroutines, unless a
// type's comment says otherwise. Formats are those of proc(5) and, where it is
// silent, of the kernel functions named at each parser.
package procfs

import "errors"

// errFormat is the reason of every parse error: each parser wraps it with the
// name of its file.
var errFormat = errors.New("not in the format of this file")
