package inject

// A Result is what became of a container, or of a whole workload.
type Result struct {
	Workload  string `json:"workload"`            // kind and name, as the platform writes them
	Container string `json:"container,omitempty"` // its name; "" for the workload as a whole
	Action    Action `json:"action"`
	Reason    string `json:"reason,omitempty"` // why it was skipped
}

// An Action is what was done.
type Action string

// What can be done.
const (
	Injected Action = "wrapped"
	Skipped  Action = "skipped"
	Removed  Action = "unwrapped"
	Passed   Action = "passed through" // nothing that starts containers
)

func (r Result) String() string {
	s := r.Workload
	if r.Container != "" {
		s += " " + r.Container
	}
	s += ": " + string(r.Action)
	if r.Reason != "" {
		s += ": " + r.Reason
	}
	return s
}

// Explain makes the result of wrapping a container from the error that it gave.
func Explain(workload, container string, err error) Result {
	if err != nil {
		return Result{workload, container, Skipped, err.Error()}
	}
	return Result{workload, container, Injected, ""}
}
