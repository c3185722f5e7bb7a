package bpf

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// object returns the compiled probe; tests put a broken one in its place.
var object = loadModern

// Open loads the probe and starts tracing. The text of an error is one line;
// errors.As finds an *ebpf.VerifierError with the whole log, errors.Is the errno.
func Open(cfg Config) (*Driver, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("bpf: %w", err)
	}
	d := &Driver{reader: reader{cfg: cfg, sleeper: newSleeper()}}
	if err := d.open(); err != nil {
		d.detach()
		d.release()
		return nil, fmt.Errorf("bpf: %w", oneLine(err))
	}
	return d, nil
}

func (d *Driver) open() error {
	d.sel = newSelection(d.cfg.Profile, d.cfg.Events)
	if err := rlimit.RemoveMemlock(); err != nil { // before Linux 5.11
		return fmt.Errorf("raise the limit of locked memory: %w", err)
	}
	var err error
	if d.numCPU, err = ebpf.PossibleCPU(); err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	if err := d.load(); err != nil {
		return err
	}
	if err := d.mapStates(); err != nil {
		return err
	}
	if err := d.makeRings(); err != nil {
		return err
	}
	return d.attach()
}

// A loadError is an error of one line around one that has more to say.
type loadError struct {
	line string
	err  error
}

func (e *loadError) Error() string { return e.line }
func (e *loadError) Unwrap() error { return e.err }

// oneLine words an error of the verifier shortly: its text ends in a part of the log.
func oneLine(err error) error {
	var ve *ebpf.VerifierError
	if !errors.As(err, &ve) {
		return err
	}
	line := "the kernel refuses " + refused(err) + " of the probe: " + ve.Cause.Error()
	for i := len(ve.Log) - 1; i >= 0; i-- {
		if text := ve.Log[i]; text != "" && text[0] != ' ' && !isSummary(text) {
			line += ": " + text
			break
		}
	}
	return &loadError{line, err}
}

// refused names the program that an error of the loader is about, which is worded
// "...program NAME: load program: ...".
func refused(err error) string {
	_, rest, _ := strings.Cut(err.Error(), "program ")
	if name, _, ok := strings.Cut(rest, ":"); ok && !strings.ContainsAny(name, " \n") {
		return "program " + name
	}
	return "a program"
}

// isSummary reports whether a line of a verifier's log tells what the work cost.
func isSummary(line string) bool {
	var n int
	_, err := fmt.Sscanf(line, "processed %d insns", &n)
	return err == nil
}

// load puts the wanted programs and the maps into the kernel.
func (d *Driver) load() error {
	types := btf.NewCache()
	go types.Kernel() // takes as long as reading the probe; who needs them next waits
	s, err := object()
	if err != nil {
		return fmt.Errorf("read the probe: %w", err)
	}
	if err := d.ids.load(s, types); err != nil {
		return err
	}
	if err := d.configure(s); err != nil {
		return err
	}
	s.Maps[modernMapScratches].MaxEntries = uint32(d.numCPU)
	s.Maps[modernMapRings].MaxEntries = uint32(d.numCPU)
	s.Maps[modernMapRings].InnerMap.MaxEntries = uint32(d.cfg.BufferBytes)
	hooks := s.Copy()
	keepPrograms(hooks, d.hooks())
	if d.coll, err = ebpf.NewCollectionWithOptions(hooks, ebpf.CollectionOptions{Cache: types}); err != nil {
		return fmt.Errorf("load the probe: %w", err)
	}
	return d.fillTables(s, types)
}

// keepPrograms takes all but the named programs out of a specification.
func keepPrograms(s *ebpf.CollectionSpec, names []string) {
	for name := range s.Programs {
		if !slices.Contains(names, name) {
			delete(s.Programs, name)
		}
	}
}

// configure writes the probe's constants.
func (d *Driver) configure(s *ebpf.CollectionSpec) error {
	profile := uint8(0) // PROFILE_CURRENT
	if d.cfg.Profile == spec.V036 {
		profile = 1 // PROFILE_036
	}
	tid := func(name string) uint8 { return d.sel.want(spec.FindSyscall(name).SC) }
	self, err := d.ids.of(os.Getpid())
	if err != nil {
		return err
	}
	values := map[string]any{
		"profile":           profile,
		"scope":             d.scopeKind(),
		"drop_failed":       flag(d.cfg.DropFailed),
		"dynamic_snaplen":   flag(d.cfg.DynamicSnaplen),
		"page_kib_shift":    pageShift(),
		"own_tgid":          self,
		"snaplen":           uint32(d.cfg.Snaplen),
		"wakeup_bytes":      uint32(d.wakeupBytes()),
		"sampling_ratio":    uint32(d.cfg.SamplingRatio),
		"boot_time":         began(unix.CLOCK_BOOTTIME),
		"fullcapture_start": d.cfg.FullCapture[0],
		"fullcapture_end":   d.cfg.FullCapture[1],
		"statsd_port":       d.cfg.StatsdPort,
		"native_calls":      d.sel.native,
		"compat_calls":      d.sel.compat,
		"socket_calls":      d.sel.socket,
		"want_exec":         tid("execve"),
		"want_clone":        tid("clone"),
		"want_procexit":     d.sel.want(event.SCProcExit),
		"want_signal":       tid("signal_deliver"),
		"want_switch":       tid("sched_switch"),
		"want_page_fault":   tid("page_fault_user") | tid("page_fault_kernel"),
	}
	for name, value := range values {
		v := s.Variables[name]
		if v == nil {
			continue // no program for this machine looks at it
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("set %s of the probe: %w", name, err)
		}
	}
	return nil
}

func flag(set bool) uint8 {
	if set {
		return 1
	}
	return 0
}

// pageShift is log2 of a page in KiB.
func pageShift() (n uint8) {
	for kib := os.Getpagesize() >> 10; kib > 1; kib >>= 1 {
		n++
	}
	return n
}

// began is when a clock of the kernel was 0, ns since the epoch: the shortest of some
// readings of both clocks is the one that nothing came between.
func began(clock int32) (at uint64) {
	best := time.Hour
	for range 10 {
		var before, real, after unix.Timespec
		_ = unix.ClockGettime(clock, &before) // cannot fail for the clocks there are
		_ = unix.ClockGettime(unix.CLOCK_REALTIME, &real)
		_ = unix.ClockGettime(clock, &after)
		if took := time.Duration(after.Nano() - before.Nano()); took < best {
			best = took
			at = uint64(real.Nano() - before.Nano() - int64(took/2))
		}
	}
	return at
}

// mapStates maps what the probe counts.
func (d *Driver) mapStates() (err error) {
	if d.scratches, err = mapArray(d.coll.Maps[modernMapScratches]); err != nil {
		return err
	}
	d.treeState, err = mapArray(d.coll.Maps[modernMapTreeStates])
	return err
}

// mapArray maps an array map; its entries are padded to 8 bytes.
func mapArray(m *ebpf.Map) ([]byte, error) {
	page := os.Getpagesize()
	size := (int(m.ValueSize()) + 7) &^ 7 * int(m.MaxEntries())
	b, err := unix.Mmap(m.FD(), 0, (size+page-1)&^(page-1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map an array of the probe: %w", err)
	}
	return b, nil
}

// release gives back what open took, as far as it came.
func (d *Driver) release() {
	d.reader.release()
	for _, b := range [][]byte{d.scratches, d.treeState} {
		if b != nil {
			unix.Munmap(b)
		}
	}
	if d.coll != nil {
		d.coll.Close()
	}
	d.ids.close()
}
