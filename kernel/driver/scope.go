package driver

import (
	"errors"
	"os"
)

// A Scope says which processes are watched: all, those in a cgroup, or trees. Events
// of the process that watches are never sent.
type Scope struct {
	Host   bool   // all
	Cgroup string // directory of a cgroup (version 2): its processes, and those of the cgroups below
	PIDs   []int  // these processes, and from now on those that they make
	Armed  []int  // the same, but no events before their next execve
}

// IsTree reports whether trees are watched.
func (s *Scope) IsTree() bool { return !s.Host && s.Cgroup == "" }

// Each goes through the processes that trees begin with.
func (s *Scope) Each(add func(pid int, armed bool) error) error {
	for i, list := range [][]int{s.PIDs, s.Armed} {
		for _, pid := range list {
			if err := add(pid, i == 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// MayAdd says why a process can't be put into what is watched, whatever the driver.
func (s *Scope) MayAdd(pid int) error {
	switch {
	case !s.IsTree():
		return errors.New("the scope is no tree")
	case pid == os.Getpid():
		return errors.New("a process can't watch itself")
	}
	return nil
}
