package bpf

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

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
		BootTime: began(unix.CLOCK_MONOTONIC), Snaplen: uint32(d.cfg.Snaplen), SamplingRatio: uint32(d.cfg.SamplingRatio),
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
		d.merger.Buffers = append(d.merger.Buffers, r)
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
// puts them where tail calls find them.
//
// A tail call with a constant index is a jump in the kernel's translation, which is changed
// when what it leads to is put into the table (kernel/bpf/arraymap.c: prog_array_map_poke_run).
// Kernels without commit 4b7de801606e of Linux 6.7, which 5.10 never got, miss the jumps of a
// program that is just being loaded, and hit a BUG when they empty the table. Such calls lead
// to stages only: so all stages are loaded before the first is put there, and are there before
// anything else is loaded. What is put there from then on is looked up, not jumped to.
func (d *Classic) fillTails() error {
	stages := make([]*ebpf.Program, len(classicStages))
	defer func() {
		for _, p := range stages {
			if p != nil {
				p.Close()
			}
		}
	}()
	err := spread(len(stages), func(i int) (err error) {
		stages[i], err = d.filler(classicStages[i])
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range stages {
		if err := d.putTail(firstStage+uint32(i), classicStages[i], p); err != nil {
			return err
		}
	}
	types := slices.Collect(maps.Keys(d.sel.programs))
	return spread(len(types), func(i int) error { return d.fillTail(uint32(types[i]), programs[types[i]]) })
}

// fillTail loads a program and puts it where tail calls find it.
func (d *Classic) fillTail(at uint32, name string) error {
	p, err := d.filler(name)
	if err != nil {
		return err
	}
	defer p.Close() // the table keeps it
	return d.putTail(at, name, p)
}

// filler loads a program that tail calls lead to.
func (d *Classic) filler(name string) (*ebpf.Program, error) {
	if p := d.obj.programs[name]; p != nil && !strings.HasPrefix(p.hook, filledPrefix) {
		return nil, fmt.Errorf("the probe's program %q is on a tracepoint", name)
	}
	return d.program(name)
}

func (d *Classic) putTail(at uint32, name string, p *ebpf.Program) error {
	err := d.maps["tail_map"].Put(at, uint32(p.FD()))
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

// release gives back what open took, as far as it came.
func (d *Classic) release() {
	d.reader.release()
	for _, m := range d.maps {
		m.Close()
	}
}
