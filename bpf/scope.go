package bpf

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Kinds of scopes (modern/config.h: enum scope_kind).
const (
	scopeHost = uint8(iota)
	scopeTree
	scopeCgroup
)

// Bits of an entry of the tree (modern/scope.h: enum member).
const (
	member = uint32(1) << iota
	muted
)

func (d *Driver) scopeKind() uint8 { return kindOf(&d.cfg.Scope) }

func kindOf(s *Scope) uint8 {
	switch {
	case s.Host:
		return scopeHost
	case s.Cgroup != "":
		return scopeCgroup
	}
	return scopeTree
}

// fillScope tells a probe whom to watch: a cgroup by a map, trees by add.
func fillScope(s *Scope, cgroup *ebpf.Map, add func(pid int, armed bool) error) error {
	switch kindOf(s) {
	case scopeCgroup:
		return putCgroup(cgroup, s.Cgroup)
	case scopeTree:
		return s.Each(add)
	}
	return nil
}

func putCgroup(m *ebpf.Map, dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("watch a cgroup: %w", err)
	}
	defer f.Close()
	if err := m.Put(uint32(0), uint32(f.Fd())); err != nil {
		return fmt.Errorf("watch the cgroup %s: is it one of version 2? %w", dir, err)
	}
	return nil
}

// Add puts a process into the tree; armed: its events, and those of its children,
// start with its next execve. It fails with an error that wraps unix.ESRCH if the
// process has ended.
func (d *Driver) Add(pid int, armed bool) error {
	if err := d.add(pid, armed); err != nil {
		return fmt.Errorf("bpf: %w", err)
	}
	return nil
}

func (d *Driver) add(pid int, armed bool) error {
	return d.watch(pid, func(p endWatch) error {
		id, err := d.ids.of(pid)
		if err != nil {
			return err
		}
		return join(d.coll.Maps[modernMapTree], &d.tree().Size, p, id, armed)
	})
}

// watch has a process put into the tree, if it may be.
func (r *reader) watch(pid int, join func(p endWatch) error) error {
	if err := r.cfg.Scope.MayAdd(pid); err != nil {
		return err
	}
	r.life.Using.RLock()
	defer r.life.Using.RUnlock()
	if r.life.Closed {
		return os.ErrClosed
	}
	p, err := watchEnd(pid)
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	defer p.close()
	return join(p)
}

// join puts a process into a tree, in which it is known by an initial id, and counts it.
func join(tree *ebpf.Map, size *int64, p endWatch, id uint32, armed bool) error {
	bits := member
	if armed {
		bits |= muted
	}
	atomic.AddInt64(size, 1)
	if err := tree.Update(id, bits, ebpf.UpdateNoExist); err != nil {
		atomic.AddInt64(size, -1)
		if errors.Is(err, ebpf.ErrKeyExist) {
			return nil // its parent is watched as well
		}
		return fmt.Errorf("watch process %d: %w", p.pid, err)
	}
	// If it ended before it was in the tree, nobody takes it out.
	if p.ended() {
		if tree.Delete(id) == nil {
			atomic.AddInt64(size, -1)
		}
		return fmt.Errorf("watch process %d: %w", p.pid, unix.ESRCH)
	}
	return nil
}

// sweep takes processes out of the tree that have ended without being seen to, see missed:
// else it would never be empty. It must not run beside Close.
func (d *Driver) sweep() error {
	own := func(id uint32) (pid int, there bool) { return int(id), true }
	if d.ids.coll != nil {
		list, err := d.ids.list()
		if err != nil {
			return err
		}
		ours := make(map[uint32]int, len(list)) // by initial id
		for i := range list {
			if list[i].TID == list[i].PID {
				ours[list[i].PID] = int(list[i].Own)
			}
		}
		own = func(id uint32) (pid int, there bool) { pid, there = ours[id]; return }
	}
	tree, size := d.coll.Maps[modernMapTree], &d.tree().Size
	var gone []uint32
	var id, bits uint32
	for it := tree.Iterate(); it.Next(&id, &bits); {
		if pid, there := own(id); !there || hasEnded(pid) {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		if tree.Delete(id) == nil {
			atomic.AddInt64(size, -1)
		}
	}
	return nil
}
