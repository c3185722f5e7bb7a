package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// What the probe has in its maps: struct settings, struct call_row of classic/settings.h
// and struct state of classic/maps.h.
type (
	classicSettings struct {
		BootTime, SocketFileOps                                              uint64
		Snaplen, SamplingRatio                                               uint32
		DynamicSnaplen, DroppingMode, IsDropping, DropFailed, Tracers        uint8
		FullCaptureStart, FullCaptureEnd, StatsdPort                         uint16
		Scope                                                                uint8
		OwnTGID                                                              uint32
		WantExec, WantClone, WantProcexit, WantSignal, WantSwitch, WantFault uint8
	}
	classicRow struct {
		Want, Drop      uint8
		Number          uint16
		Enter, Exit, SC uint32
	}
	classicState struct {
		Work       [classicWork]byte
		Events     uint64
		NoRoom     uint64
		ByCategory [15]uint64
		TooLong    uint64
		PageFaults uint64
		Unfinished uint64
	}
)

const (
	classicWork = 168 // bytes of struct state before the counters
	compatRows  = numCalls
	socketRows  = 2 * numCalls
)

// classicStages are the programs that go on with events, in the order of classic/maps.h:
// enum stage. In tail_map they are behind those of events.
var classicStages = [...]string{
	"stage_path", "stage_cgroups", "stage_strings", "stage_exec_process", "stage_exec_env", "stage_exec_file", "stage_exec_end",
	"stage_clone_end", "stage_poll", "stage_poll_end", "stage_sendmmsg", "stage_recvmmsg", "stage_reaper", "stage_recvmsg_end",
}

const firstStage = event.NumTypes

// A ProbeError says what is wrong with the file of a classic probe.
type ProbeError struct {
	File string
	In   spec.Profile // that it was wanted for
	Err  error
}

func (e *ProbeError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *ProbeError) Unwrap() error { return e.Err }

// CheckClassic looks at the file of a classic probe and says what speaks against using it
// on a kernel for an edition; the error is a *ProbeError.
func CheckClassic(file string, in spec.Profile, release string) error {
	_, err := readClassic(file, in, release)
	return err
}

// InspectClassic returns the release and the schema that a probe was built for, empty if
// the file is none.
func InspectClassic(file string) (release, schema string) {
	o, err := loadObject(file)
	if err != nil {
		return "", ""
	}
	return o.kernel, versionText(o.schema)
}

// VerifyClassic has the kernel check all programs of a probe, and attaches none.
func VerifyClassic(file string, in spec.Profile) error {
	o, err := readClassic(file, in, release())
	if err != nil {
		return err
	}
	d := &Classic{obj: o, maps: make(map[string]*ebpf.Map), sleeper: newSleeper()}
	defer d.release()
	if d.numCPU, err = ebpf.PossibleCPU(); err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	if err := raiseMemlock(); err != nil {
		return err
	}
	if err := d.makeMaps(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.programs)) {
		if strings.HasPrefix(o.programs[name].hook, filledPrefix) {
			err = d.fillTail(name, 0)
		} else {
			var p *ebpf.Program
			if p, err = d.program(name); err == nil {
				p.Close()
			}
		}
		if err != nil {
			return oneLine(err)
		}
	}
	return nil
}

// raiseMemlock lets maps and perf buffers be as large as they are. Maps count as locked
// memory until Linux 5.11, perf buffers on all kernels: those may still be small enough if
// the limit stays.
func raiseMemlock() error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("raise the limit of locked memory: %w", err)
	}
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	return nil
}

func readClassic(file string, in spec.Profile, release string) (*classicObject, error) {
	o, err := loadObject(file)
	if err != nil {
		return nil, &ProbeError{file, in, err}
	}
	if err := o.check(in, release); err != nil {
		return nil, &ProbeError{file, in, err}
	}
	return o, nil
}

func loadObject(file string) (*classicObject, error) {
	f, err := os.Open(file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("this is no file")
	case privileged() && (st.Sys().(*syscall.Stat_t).Uid != 0 || st.Mode()&0o022 != 0):
		return nil, errors.New("trace has more rights than its user: the probe has to be root's, and for nobody else to write")
	}
	return parseClassic(f)
}

// privileged reports whether this program has rights from its file that its user does not
// have (getauxval(3), AT_SECURE): then a probe of the user's choice would hand them on.
func privileged() bool {
	const atSecure = 23
	list, err := unix.Auxv()
	for _, pair := range list {
		if pair[0] == atSecure {
			return pair[1] != 0
		}
	}
	return err != nil
}

// check compares what the probe was compiled for with what is wanted. The versions are
// compatible if the first numbers are equal and the probe's are not smaller.
func (o *classicObject) check(in spec.Profile, release string) error {
	api, schema := classic.Versions(in)
	if o.schema>>44 != schema>>44 || o.schema < schema {
		return fmt.Errorf("the probe has schema %s, and profile %v needs %s", versionText(o.schema), in, versionText(schema))
	}
	if o.api>>44 != api>>44 || o.api < api {
		return fmt.Errorf("the probe has API %s, and this program needs %s", versionText(o.api), versionText(api))
	}
	if o.kernel != release {
		return fmt.Errorf("the probe was built for Linux %s, and this is %s", o.kernel, release)
	}
	return nil
}

// release is that of the running kernel.
func release() string {
	var uts unix.Utsname
	_ = unix.Uname(&uts) // can't fail
	return unix.ByteSliceToString(uts.Release[:])
}

func (d *Classic) open(file string) error {
	var err error
	if d.obj, err = readClassic(file, d.cfg.Profile, release()); err != nil {
		return err
	}
	d.sel = newSelection(d.cfg.Profile, d.cfg.Events)
	if err := raiseMemlock(); err != nil {
		return err
	}
	if d.numCPU, err = ebpf.PossibleCPU(); err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	if err := d.makeMaps(); err != nil {
		return err
	}
	if err := d.configure(); err != nil {
		return err
	}
	if err := d.makeRings(); err != nil {
		return err
	}
	if err := d.fillTails(); err != nil {
		return err
	}
	return d.attach()
}

// makeMaps makes the maps that the probe says it has, in the sizes that this machine needs.
func (d *Classic) makeMaps() error {
	for name, s := range d.obj.maps {
		switch name {
		case "perf_map", "frame_scratch_map", "tmp_scratch_map", "local_state_map":
			s.MaxEntries = uint32(d.numCPU)
		}
		m, err := ebpf.NewMap(s)
		if err != nil {
			return fmt.Errorf("make the map %s of the probe: %w", name, err)
		}
		d.maps[name] = m
	}
	for _, name := range []string{"perf_map", "tail_map", "syscall_table", "settings_map", "local_state_map", "interesting_syscalls_table", "tree", "tree_states", "cgroup"} {
		if d.maps[name] == nil {
			return fmt.Errorf("the probe has no map %q", name)
		}
	}
	return nil
}

// configure writes what is wanted into the probe's maps.
func (d *Classic) configure() error {
	want := func(name string) uint8 { return d.sel.want(spec.FindSyscall(name).SC) }
	set := classicSettings{
		BootTime: monotonicStart(), Snaplen: uint32(d.cfg.Snaplen), SamplingRatio: uint32(d.cfg.SamplingRatio),
		DynamicSnaplen: flag(d.cfg.DynamicSnaplen), DroppingMode: flag(d.cfg.SamplingRatio > 1), DropFailed: flag(d.cfg.DropFailed),
		FullCaptureStart: d.cfg.FullCapture[0], FullCaptureEnd: d.cfg.FullCapture[1], StatsdPort: d.cfg.StatsdPort,
		Scope: kindOf(&d.cfg.Scope), OwnTGID: uint32(os.Getpid()),
		WantExec: want("execve"), WantClone: want("clone"), WantProcexit: d.sel.want(event.SCProcExit), WantSignal: want("signal_deliver"),
		WantSwitch: want("sched_switch"), WantFault: want("page_fault_user") | want("page_fault_kernel"),
	}
	if err := d.maps["settings_map"].Put(uint32(0), &set); err != nil {
		return fmt.Errorf("set up the probe: %w", err)
	}
	rows := d.maps["syscall_table"]
	put := func(first int, table []modernCallRow) error {
		for i, r := range table {
			if r.Want == 0 {
				continue
			}
			exit := uint32(r.Exit)
			row := classicRow{Want: r.Want, Drop: r.Drop, Number: r.Number, Enter: exit &^ 1, Exit: exit, SC: uint32(r.Sc)}
			if err := rows.Put(uint32(first+i), &row); err != nil {
				return fmt.Errorf("set up the probe's calls: %w", err)
			}
		}
		return nil
	}
	if err := errors.Join(put(0, d.sel.native[:]), put(compatRows, d.sel.compat[:]), put(socketRows, d.sel.socket[:])); err != nil {
		return err
	}
	for nr := range uint32(numCalls) {
		if d.sel.native[nr].Want == 0 {
			continue
		}
		if err := d.maps["interesting_syscalls_table"].Put(nr, uint8(1)); err != nil {
			return fmt.Errorf("set up the probe's calls: %w", err)
		}
	}
	return nil
}

// monotonicStart is when the clock that the probe reads was 0, ns since the epoch.
func monotonicStart() (at uint64) {
	best := time.Hour
	for range 10 {
		var before, real, after unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &before) // cannot fail for these clocks
		_ = unix.ClockGettime(unix.CLOCK_REALTIME, &real)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &after)
		if took := time.Duration(after.Nano() - before.Nano()); took < best {
			best, at = took, uint64(real.Nano()-before.Nano()-int64(took/2))
		}
	}
	return at
}

// makeRings makes a perf buffer for each CPU that is up.
func (d *Classic) makeRings() error {
	online, err := driver.OnlineCPUs()
	if err != nil {
		return err
	}
	if err := d.sleeper.open(); err != nil {
		return err
	}
	for _, cpu := range online {
		r, err := newPerfRing(cpu, d.cfg.BufferBytes)
		if err != nil {
			return err
		}
		d.merger.rings = append(d.merger.rings, r)
		if err := d.poll(r.fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return err
		}
		if err := d.maps["perf_map"].Put(uint32(cpu), uint32(r.fd)); err != nil {
			return fmt.Errorf("set up the perf buffer of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// fillTails loads the programs of the wanted events, and those that go on with them, and
// puts them where tail calls find them. The kernel's checks take long: each of our CPUs
// gets a share.
func (d *Classic) fillTails() error {
	index := make(map[string]uint32)
	for typ := range d.sel.programs {
		index[programs[typ]] = uint32(typ)
	}
	for i, name := range classicStages {
		index[name] = firstStage + uint32(i)
	}
	names := slices.Sorted(maps.Keys(index))
	n := min(runtime.GOMAXPROCS(0), 8)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for k := i; k < len(names) && errs[i] == nil; k += n {
				errs[i] = d.fillTail(names[k], index[names[k]])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one is enough to go by, and one line
		}
	}
	return nil
}

func (d *Classic) fillTail(name string, at uint32) error {
	if p := d.obj.programs[name]; p != nil && !strings.HasPrefix(p.hook, filledPrefix) {
		return fmt.Errorf("the probe's program %q is on a tracepoint", name)
	}
	p, err := d.program(name)
	if err != nil {
		return err
	}
	defer p.Close() // the map keeps it
	err = d.maps["tail_map"].Put(at, uint32(p.FD()))
	if errors.Is(err, unix.EINVAL) {
		// All of a table are translated or none (kernel/bpf/core.c: bpf_prog_array_compatible).
		return fmt.Errorf("set up the probe's program %s: this kernel's translator of BPF gives up on it", name)
	}
	if err != nil {
		return fmt.Errorf("set up the probe's program %s: %w", name, err)
	}
	return nil
}

func (d *Classic) program(name string) (*ebpf.Program, error) {
	s, err := d.obj.spec(name, d.maps)
	if err != nil {
		return nil, err
	}
	p, err := ebpf.NewProgram(s)
	if err != nil {
		return nil, fmt.Errorf("load the probe's program %s: %w", name, err)
	}
	return p, nil
}

// attach starts the probe, as that of Driver does.
func (d *Classic) attach() error {
	filled := false
	hooks := d.sel.hooks(kindOf(&d.cfg.Scope) == scopeTree)
	// A tree of tasks that are told of by their ids has to know whose id a program changes.
	const exec = "sched_process_exec"
	if d.obj.kind() == ebpf.TracePoint && kindOf(&d.cfg.Scope) == scopeTree && !slices.Contains(hooks, exec) {
		hooks = append(hooks, exec)
	}
	for _, name := range hooks {
		if name == "fork_child" { // a part of sched_process_fork
			if kindOf(&d.cfg.Scope) == scopeTree {
				continue
			}
			name = "sched_process_fork"
		}
		if !filled && name != "sched_process_fork" && name != "sched_process_exit" {
			if err := d.fillScope(); err != nil {
				return err
			}
			filled = true
		}
		p, err := d.program(name)
		if err != nil {
			return err
		}
		l, err := d.hang(name, p)
		p.Close()
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		d.linkMu.Lock()
		d.links = append(d.links, l)
		d.linkMu.Unlock()
	}
	return nil
}

// hang attaches a program to the tracepoint of its name.
func (d *Classic) hang(name string, p *ebpf.Program) (link.Link, error) {
	group := d.obj.programs[name].group
	if group == "" {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: p})
	}
	l, err := link.Tracepoint(group, name, p, nil)
	if err != nil && errors.Is(unix.Access("/sys/kernel/tracing/events", unix.F_OK), unix.ENOENT) && errors.Is(unix.Access("/sys/kernel/debug/tracing/events", unix.F_OK), unix.ENOENT) {
		return nil, errors.New("tracepoints are found in tracefs, which is not mounted: mount -t tracefs tracefs /sys/kernel/tracing")
	}
	return l, err
}

// fillScope tells the probe whom to watch.
func (d *Classic) fillScope() error {
	s := &d.cfg.Scope
	switch kindOf(s) {
	case scopeCgroup:
		return putCgroup(d.maps["cgroup"], s.Cgroup)
	case scopeTree:
		for _, pid := range s.PIDs {
			if err := d.add(pid, false); err != nil {
				return err
			}
		}
		for _, pid := range s.Armed {
			if err := d.add(pid, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Classic) detach() {
	d.linkMu.Lock()
	defer d.linkMu.Unlock()
	for i := len(d.links) - 1; i >= 0; i-- {
		d.links[i].Close()
	}
	d.links = nil
}

// release gives back what open took, as far as it came.
func (d *Classic) release() {
	d.merger.close()
	d.sleeper.release()
	for _, m := range d.maps {
		m.Close()
	}
}
