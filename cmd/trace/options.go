package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
	"github.com/lannerhq/lanner/ptrace"
)

// A request is what the options ask of a driver.
type request struct {
	driver  string // as --driver has it
	in      spec.Profile
	events  event.Set
	snaplen int
	seccomp ptrace.Seccomp
	buffer  int // bytes of each buffer of a kernel driver
	share   int // CPUs that share one, 0: all
	quiet   bool

	dropFailed     bool // leave out exit events of calls that failed
	dynamicSnaplen bool // see kernel.Config; ptrace does not know it

	container string // id that cgroups of events get which have none
}

// drivers are the choices of --driver.
var drivers = []string{kernel.Auto, kernel.Ptrace, kernel.ModernBPF, kernel.ClassicBPF, kernel.Module}

// Presets of a buffer's size, as Falco's buf_size_preset has them: the first is
// 1 MiB, each other one twice the one before.
const (
	minPreset = 1
	maxPreset = 10
)

// newRequest reads the options for a live source.
func newRequest(c *cli.Context) (r *request, err error) {
	r = &request{driver: c.String("driver"), snaplen: c.Int("snaplen"), share: c.Int("cpus-per-buffer"), quiet: c.Bool("quiet"),
		dropFailed: c.Bool("drop-failed"), dynamicSnaplen: c.Bool("dynamic-snaplen")}
	if r.in, err = profile(c); err != nil {
		return nil, err
	}
	if r.container, err = containerID(c); err != nil {
		return nil, err
	}
	if err := oneForm(c); err != nil {
		return nil, err
	}
	if r.events, err = selection(c, r.in); err != nil {
		return nil, err
	}
	if r.snaplen < 0 || r.snaplen > event.MaxParamLen {
		return nil, usage(fmt.Sprintf("--snaplen %d is not between 0 and %d", r.snaplen, event.MaxParamLen))
	}
	switch s := c.String("seccomp"); s {
	case "auto":
	case "always":
		r.seccomp = ptrace.SeccompAlways
	case "never":
		r.seccomp = ptrace.SeccompNever
	default:
		return nil, usage(fmt.Sprintf("unknown --seccomp %q: auto, always or never", s))
	}
	if f := c.String("on-failure"); f != "run" && f != "refuse" {
		return nil, usage(fmt.Sprintf("unknown --on-failure %q: run or refuse", f))
	}
	preset := c.Int("buffer-preset")
	if preset < minPreset || preset > maxPreset {
		return nil, usage(fmt.Sprintf("--buffer-preset %d is not between %d and %d", preset, minPreset, maxPreset))
	}
	r.buffer = 1 << (20 + preset - minPreset)
	if r.share < 0 {
		return nil, usage(fmt.Sprintf("--cpus-per-buffer %d: it takes 0 (one buffer for all) or more", r.share))
	}
	return r, r.fits(c)
}

// oneForm refuses more than one form of events.
func oneForm(c *cli.Context) error {
	for _, name := range []string{"json", "summary"} {
		if c.Bool(name) && c.IsSet("format") {
			return usage("either --" + name + " or --format, not both")
		}
	}
	return nil
}

// fits refuses options that the chosen driver has no use for.
func (r *request) fits(c *cli.Context) error {
	if !slices.Contains(drivers, r.driver) {
		return usage(fmt.Sprintf("unknown --driver %q: auto, ptrace, modern-bpf, bpf or kmod", r.driver))
	}
	switch {
	case r.driver == kernel.Ptrace && c.IsSet("host"):
		return usage("ptrace can't follow all processes of the machine: --host needs a kernel driver")
	case r.driver == kernel.Ptrace && c.IsSet("cgroup"):
		return usage("ptrace can't follow a cgroup: --cgroup needs a kernel driver")
	case r.driver == kernel.Ptrace && r.dynamicSnaplen:
		return usage("--dynamic-snaplen is for kernel drivers; with ptrace set --snaplen")
	case c.IsSet("seccomp") && (!r.ptraceAllowed() || c.IsSet("host") || c.IsSet("cgroup")):
		return usage("--seccomp is for the ptrace driver; kernel drivers put no filter on anything")
	}
	for _, name := range []string{"buffer-preset", "cpus-per-buffer"} {
		if r.driver == kernel.Ptrace && c.IsSet(name) {
			return usage("--" + name + " is for kernel drivers; ptrace has no buffers")
		}
	}
	return nil
}

// ptraceAllowed reports whether ptrace may be the driver.
func (r *request) ptraceAllowed() bool {
	return r.driver == kernel.Ptrace || r.driver == kernel.Auto && !r.dynamicSnaplen
}

// notice tells what a user should know.
func (r *request) notice(line string) {
	if !r.quiet {
		fmt.Fprintln(os.Stderr, "trace: "+line)
	}
}

// A refusal is an error that another driver may not make.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// start lets ptrace have the first go where it may, and a kernel driver the second
// where ptrace is refused and no driver was asked for.
func (r *request) start(byPtrace func() error, byKernel func(refused error) error) error {
	if !r.ptraceAllowed() {
		return byKernel(nil)
	}
	err := byPtrace()
	if no, ok := errors.AsType[refusal](err); ok && r.driver == kernel.Auto {
		return byKernel(no.error)
	}
	return err
}

// openPtrace makes the ptrace driver.
func (r *request) openPtrace() (*ptrace.Driver, error) {
	// With one processor to share, the runtime takes it from the tracer at each of its
	// calls that waits, and gives it back: a tenth of the time of a run.
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
	return ptrace.New(ptrace.Config{Profile: r.in, Events: r.events, Snaplen: r.snaplen, DropFailed: r.dropFailed, Seccomp: r.seccomp, Notice: r.notice})
}

// openKernel starts a kernel driver, and says which if it is not the first choice.
// refused is why ptrace was not taken, nil if that was no choice.
func (r *request) openKernel(scope kernel.Scope, events event.Set, refused error) (kernel.Driver, error) {
	d, name, skipped, err := kernel.Open(r.driver, kernel.Config{
		Profile: r.in, Events: events, Snaplen: r.snaplen, Scope: scope, BufferBytes: r.buffer, CPUsPerBuffer: r.share,
		DropFailed: r.dropFailed, DynamicSnaplen: r.dynamicSnaplen, Notice: r.notice,
	})
	switch {
	case err != nil && refused != nil:
		return nil, refusal{fmt.Errorf("%w; %w", refused, err)}
	case err != nil:
		return nil, refusal{err}
	}
	why := ""
	if refused != nil {
		why = fmt.Sprintf("; ptrace: %v", refused)
	}
	for _, v := range skipped {
		why += "; " + v.String()
	}
	if why != "" {
		r.notice("using " + name + why)
	}
	return d, nil
}
