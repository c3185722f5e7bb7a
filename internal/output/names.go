package output

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// kernelErrnos are errors that only the kernel itself knows, before it turns
// them into others (include/linux/errno.h). Events of drivers have them.
var kernelErrnos = map[int64]string{
	512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 515: "ENOIOCTLCMD",
	516: "ERESTART_RESTARTBLOCK", 517: "EPROBE_DEFER", 518: "EOPENSTALE", 519: "ENOPARAM",
	521: "EBADHANDLE", 522: "ENOTSYNC", 523: "EBADCOOKIE", 524: "ENOTSUPP", 525: "ETOOSMALL",
	526: "ESERVERFAULT", 527: "EBADTYPE", 528: "EJUKEBOX", 529: "EIOCBQUEUED", 530: "EIOCBRETRY",
}

// errnoName returns the name of an error number; empty if it has none.
func errnoName(errno int64) string {
	switch {
	case errno == int64(unix.EOPNOTSUPP):
		return "EOPNOTSUPP" // the system has two names for it
	case errno > 0 && errno < 512:
		return unix.ErrnoName(syscall.Errno(errno))
	}
	return kernelErrnos[errno]
}

// signalName returns the name of a signal; empty if it has none.
func signalName(sig int64) string { return unix.SignalName(syscall.Signal(sig)) }

// syscallNames are the names of the contract's call codes.
var syscallNames = func() []string {
	var names []string
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		for int(s.SC) >= len(names) {
			names = append(names, "")
		}
		names[s.SC] = s.Name
	}
	return names
}()

func syscallName(sc int64) string {
	if sc >= 0 && sc < int64(len(syscallNames)) {
		return syscallNames[sc]
	}
	return ""
}

// tables are the value names and dynamic types of each parameter of each row,
// looked up once.
type paramTable struct {
	flags *spec.FlagTable
	dyn   *spec.DynTable
}

var paramTables = func() [][]paramTable {
	all := make([][]paramTable, len(spec.Events))
	for i := range all {
		all[i] = make([]paramTable, len(spec.Events[i].Params))
		for j := range all[i] {
			p := &spec.Events[i].Params[j]
			if p.Table != "" {
				all[i][j].flags = spec.FindTable(p.Table)
			}
			if p.Dyn != "" {
				all[i][j].dyn = spec.FindDyn(p.Dyn)
			}
		}
	}
	return all
}()
