package spec

import "slices"

// Events lists every row; a row's index is its number.
var Events = slices.SortedFunc(slices.Values(slices.Concat(
	systemEvents, openEvents, fileEvents, namesEvents, ioEvents, newfdEvents, netEvents, execEvents,
	processEvents, userEvents, memoryEvents, ipcEvents, tracepointEvents, iterEvents, metaEvents, oldEvents,
)), func(a, b Event) int { return int(a.Number) - int(b.Number) })

// FindTable returns the flag table of a name, nil if there is none.
func FindTable(name string) *FlagTable {
	return find(FlagTables, func(t *FlagTable) bool { return t.Name == name })
}

// FindDyn returns the dynamic table of a name, nil if there is none.
func FindDyn(name string) *DynTable {
	return find(DynTables, func(t *DynTable) bool { return t.Name == name })
}

// FindConversion returns the conversion of a name, nil if there is none.
func FindConversion(name string) *Conversion {
	return find(Conversions, func(c *Conversion) bool { return c.Name == name })
}

// FindSyscall returns the system call of a name, nil if there is none.
func FindSyscall(name string) *Syscall {
	return find(Syscalls, func(s *Syscall) bool { return s.Name == name })
}

// Find returns the flag of a name, nil if the table lacks it.
func (t *FlagTable) Find(name string) *Flag {
	return find(t.Values, func(f *Flag) bool { return f.Name == name })
}

func find[T any](rows []T, match func(*T) bool) *T {
	for i := range rows {
		if match(&rows[i]) {
			return &rows[i]
		}
	}
	return nil
}
