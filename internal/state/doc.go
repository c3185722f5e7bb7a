// Package state keeps up, from the events alone, which threads exist and what
// their descriptors refer to, so that events can be shown with names.
//
// In a nutshell: New starts from a snapshot; Apply takes each event before it
// is shown. After Apply(ev), Thread and FD answer for the event just applied,
// also where it destroys what it names: a closed descriptor and an exited
// thread are only forgotten at the next Apply.
//
//	for src.ReadInto(&ev) == nil {
//		procs.Apply(&ev)
//		out.Write(&ev, procs)
//	}
//
// Both editions of the contract work: where exit events lack parameters (V036),
// they are taken from the enter event of the same thread, of which a copy is
// kept. What an event does is chosen by the name of its row, so the old forms of
// a call in captures behave as the current one.
//
// A thread has an entry of its own with its name and ids; threads of one process
// share a Process, and share descriptor table and working directory as the
// kernel's files_struct and fs_struct are shared (CLONE_FILES, CLONE_FS).
// Descriptors are never changed in place, so tables copy cheaply at fork.
//
// Memory is bounded: beyond Limits the entries unseen for the longest time go
// first and are counted in Stats. A State is for one goroutine.
package state
