package kmod

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Requests to a device (module/device.h).
const (
	disableDropping       = 0x7302
	enableDropping        = 0x7303
	setSnaplen            = 0x7304
	disableDynamicSnaplen = 0x7308
	enableDynamicSnaplen  = 0x7309
	getAPIVersion         = 0x7318
	getSchemaVersion      = 0x7319
	setFullCapture        = 0x7316
	setStatsdPort         = 0x7317
	enableSyscall         = 0x731d
	enablePoint           = 0x731f
	disablePoint          = 0x7320
	enableDropFailed      = 0x7321

	// Of modules of March 2022.
	disableCapture   = 0x7300
	enableCapture    = 0x7301
	enablePageFaults = 0x7313

	// Our module's own.
	scopeHost    = 0x7380
	scopeTree    = 0x7381
	scopeCgroup  = 0x7382
	treeAdd      = 0x7383
	treeAddArmed = 0x7384
	getTree      = 0x7385
)

// Codes of tracepoints (module/device.h: enum point).
const (
	pointSysEnter = iota
	pointSysExit
	pointProcExit
	pointSwitch
	pointFaultUser
	pointFaultKernel
	pointSignal
	pointFork
	pointExec
	numPoints
)

// A version is that of the requests or of the events: major<<44 | minor<<24 | patch.
type version uint64

func (v version) major() uint64 { return uint64(v) >> 44 }

func (v version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.major(), uint64(v)>>24&(1<<20-1), uint64(v)&(1<<24-1))
}

// A layout is what the API version of a module decides.
type layout struct {
	api    uint64 // major number
	schema uint64 // major number of the events that go with it
	in     spec.Profile

	legacy     bool     // calls are not chosen by number: all are captured but for masked events
	categories []string // kinds of lost events, in the order of their counters; "" is none
}

// Counters of struct ring_info stand at these places: the first two, then those of the
// layout's categories, then unreadable memory and preemption.
const (
	offHead       = 0
	offTail       = 4
	offEvents     = 8
	offNoRoom     = 16
	offCategories = 24
)

var layouts = []layout{
	{api: 10, schema: 4, in: spec.Current, categories: []string{
		"clone_fork_exit", "execve_exit", "connect_enter", "connect_exit", "open_enter", "open_exit",
		"dir_file_exit", "other_interest_exit", "close_exit", "proc_exit",
	}},
	{api: 5, schema: 2, in: spec.V036, categories: []string{
		"clone_fork_enter", "clone_fork_exit", "execve_enter", "execve_exit", "connect_enter", "connect_exit",
		"open_enter", "open_exit", "dir_file_enter", "dir_file_exit", "other_interest_enter", "other_interest_exit",
		"close_exit", "proc_exit",
	}},
	{api: 1, schema: 1, in: spec.V036, legacy: true},
}

// findLayout returns that of a module's versions.
func findLayout(api, schema version) (*layout, error) {
	for i := range layouts {
		if l := &layouts[i]; l.api == api.major() && l.schema == schema.major() {
			return l, nil
		}
	}
	return nil, fmt.Errorf("the module %s has API %v and schema %v, which trace does not know: load one that is built for it", Name, api, schema)
}

// ErrEdition says that the module that is loaded emits another edition.
var ErrEdition = errors.New("another edition")

// ioctl asks something of a device. What its argument points to stays where it is.
//
//go:uintptrescapes
func ioctl(fd int, request, arg uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, arg)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// categoryIndex maps the name of a kind of lost events to its place among Counters.
var categoryIndex = func() map[string]int {
	m := make(map[string]int)
	for i, name := range driver.Categories {
		m[name] = i
	}
	return m
}()
