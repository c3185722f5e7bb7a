package bpf

import (
	"fmt"

	"github.com/cilium/ebpf/link"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Hooks that keep the tree up to date.
const (
	forkHook = "sched_process_fork"
	exitHook = "sched_process_exit"
)

// hooks names the programs that are attached, in the order in which they are: what
// keeps the tree up to date comes first.
func (d *Driver) hooks() []string { return d.sel.hooks(d.scopeKind() == scopeTree) }

func (s *selection) hooks(tree bool) (names []string) {
	add := func(name string, wanted bool) {
		if wanted {
			names = append(names, name)
		}
	}
	wanted := func(call string) bool { return s.want(spec.FindSyscall(call).SC) != 0 }
	add(forkHook, tree || machine == spec.X86 && wanted("clone"))
	add(exitHook, tree || wanted("sched_process_exit"))
	add("fork_child", machine == spec.Arm64 && wanted("clone"))
	add("sched_process_exec", wanted("execve"))
	add("signal_deliver", wanted("signal_deliver"))
	add("sched_switch", wanted("sched_switch"))
	add("page_fault_user", machine == spec.X86 && wanted("page_fault_user"))
	add("page_fault_kernel", machine == spec.X86 && wanted("page_fault_kernel"))
	add("sys_enter", s.any(wantEnter))
	add("sys_exit", s.any(wantExit))
	return names
}

// attach starts the probe. A tree gets its first members as soon as it is kept up
// to date: none of their children is missed.
func (d *Driver) attach() error {
	filled := false
	for _, name := range d.hooks() {
		if !filled && name != forkHook && name != exitHook {
			if err := fillScope(&d.cfg.Scope, d.coll.Maps[modernMapCgroup], d.add); err != nil {
				return err
			}
			filled = true
		}
		p := d.coll.Programs[name]
		if p == nil {
			return fmt.Errorf("attach %s: the probe has no such program", name)
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		d.keep(l)
	}
	return nil
}
