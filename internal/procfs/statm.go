package procfs

import "fmt"

// Statm is what /proc/PID/statm says, in pages (fs/proc/array.c:proc_pid_statm).
// It is all zeros for a process without memory: a zombie or a kernel thread.
type Statm struct {
	Size, Resident, Shared uint64
}

// ParseStatm takes the text of a statm file.
func ParseStatm(b []byte, s *Statm) error {
	*s = Statm{}
	for _, p := range [...]*uint64{&s.Size, &s.Resident, &s.Shared} {
		var ok bool
		if *p, b, ok = cutNumber(b); !ok {
			return fmt.Errorf("parse statm: %w", errFormat)
		}
	}
	return nil
}
