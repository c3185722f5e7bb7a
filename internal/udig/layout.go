package udig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Layout says what is where in udig_descs: it changed with the releases of libs.
type Layout struct {
	Name  string // the release that readers know it by
	info  int    // bytes in front of the status
	kinds []string
	types event.Type // the first that readers do not know
	old   bool       // readers do not know codes of later calls either
}

// Offsets in the ring info of all layouts (struct ppm_ring_buffer_info).
const (
	offHead  = 0  // u32, written by producers
	offTail  = 4  // u32, written by the consumer
	offEvts  = 8  // u64, events that producers had
	offDrops = 16 // u64, those for which there was no room
	offKinds = 24 // u64 each, by kind; then page faults, preemptions and context switches
)

// Offsets in the status (struct udig_ring_buffer_status).
const (
	offLock    = 0  // u64
	offInit    = 8  // s32
	offPID     = 12 // s32, of the consumer
	offStopped = 16 // s32
	statusSize = 80 // bytes
)

// Kinds of drops, in their order.
var (
	kinds12 = []string{
		"clone_fork_enter", "clone_fork_exit", "execve_enter", "execve_exit", "connect_enter", "connect_exit",
		"open_enter", "open_exit", "dir_file_enter", "dir_file_exit", "other_interest_enter", "other_interest_exit",
	}
	kinds14 = append(kinds12[:12:12], "close_exit", "proc_exit")
)

// layouts are those that there were, the newest first.
var layouts = []Layout{
	{"0.36.2", 160, kinds14, event.Type(firstLater), false},
	{"0.12", 144, kinds12, 336, true},
	{"0.8", 48, nil, 336, true},
}

// firstLater is the first event that edition V036 does not have.
var firstLater = func() int {
	last := 0
	for i := range spec.Events {
		if spec.Events[i].In&spec.V036 != 0 {
			last = i
		}
	}
	return last + 1
}()

// ParseLayout returns a layout by the last release that has it: "0.36.2" (of Falco;
// also "0.13", of libs), "0.12" (libs 0.9 to 0.12) or "0.8" (libs up to 0.8).
func ParseLayout(name string) (Layout, error) {
	if name == "0.13" {
		name = layouts[0].Name
	}
	var names []string
	for _, l := range layouts {
		if l.Name == name {
			return l, nil
		}
		names = append(names, l.Name)
	}
	return Layout{}, fmt.Errorf("unknown layout %q: %s", name, strings.Join(names, ", "))
}

// size returns the bytes of udig_descs.
func (l *Layout) size() int { return l.info + statusSize }

// kindOf returns which counter of drops an event belongs to, -1 for none.
func (l *Layout) kindOf(t event.Type) int {
	row := t.Row()
	if row == nil || row.Loss == spec.NoLoss {
		return -1
	}
	return slices.Index(l.kinds, row.Loss.String())
}
