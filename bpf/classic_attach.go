package bpf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

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
			if err := fillScope(&d.cfg.Scope, d.maps["cgroup"], d.add); err != nil {
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
		d.keep(l)
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
