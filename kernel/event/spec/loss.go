package spec

// A Loss is a kind of event that drivers count apart when they lose it, because readers
// lose more by it (n_drops_buffer_* of Falco's metrics; drops_buffer_* in
// userspace/libpman of falcosecurity/libs). The zero Loss is in the total only.
type Loss uint8

// The kinds, in the order of their names. Enter events but the first two are of
// edition V036.
const (
	NoLoss Loss = iota
	LossOpenEnter
	LossConnectEnter
	LossCloneForkEnter
	LossExecveEnter
	LossDirFileEnter
	LossOtherInterestEnter
	LossOpenExit
	LossConnectExit
	LossCloneForkExit
	LossExecveExit
	LossDirFileExit
	LossOtherInterestExit
	LossCloseExit
	LossProcExit
	NumLosses = iota - 1
)

// Losses names the kinds, from LossOpenEnter on.
var Losses = [NumLosses]string{
	"open_enter", "connect_enter", "clone_fork_enter", "execve_enter", "dir_file_enter", "other_interest_enter",
	"open_exit", "connect_exit", "clone_fork_exit", "execve_exit", "dir_file_exit", "other_interest_exit",
	"close_exit", "proc_exit",
}

// String is the kind's name, "" for none.
func (l Loss) String() string {
	if l == NoLoss || l > NumLosses {
		return ""
	}
	return Losses[l-1]
}
