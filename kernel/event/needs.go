package event

import "github.com/lannerhq/lanner/kernel/event/spec"

// Needs returns the calls whose events readers must have besides those that are
// reported, to know the processes of events, and, if reported events show descriptors
// or paths, the names of descriptors and working directories.
func Needs(reported Set, in spec.Profile) Set {
	need := named("lifecycle", in)
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		if _, x := Pair(s, in); reported.Has(s.SC) && namesFD(x.Row()) {
			state := named("state", in)
			need.Union(&state)
			break
		}
	}
	return need
}

// NeedsEnter reports whether readers must have the enter event of a call that is not
// reported. Exit events lack its parameters in edition V036 only.
func NeedsEnter(in spec.Profile) bool { return in == spec.V036 }

// named returns a set of the rows.
func named(name string, in spec.Profile) Set {
	s, err := ParseSet(name, in)
	if err != nil {
		panic(err) // the name is one of SetNames
	}
	return s
}

// namesFD reports whether showing an event needs names of descriptors or a working
// directory.
func namesFD(e *spec.Event) bool {
	for i := range e.Params {
		switch e.Params[i].Type {
		case spec.FD, spec.Path, spec.RelPath:
			return e.Flags&spec.ModifiesState == 0 || e.Flags&(spec.UsesFD|spec.CreatesFD) != 0
		}
	}
	return false
}
