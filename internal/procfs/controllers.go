package procfs

import (
	"github.com/containerd/cgroups/v3"
)

// Controllers finds the cgroup that a controller of version 2 really uses.
//
// A cgroup below the point where a controller is enabled belongs, for that
// controller, to the nearest ancestor that has it (kernel/cgroup/cgroup.c:
// cgroup_e_css_by_mask), and that ancestor is what the kernel drivers print.
// What a cgroup has enabled is remembered by path, since containers exec much
// more often than anyone reconfigures their cgroup.
//
// A Controllers is not safe for use by several goroutines.
type Controllers struct {
	root  string // mount point of version 2; empty if there is none
	known map[string]controllerSet
}

// controllerSet has bit i for cgroupNames[i]; unreadable stands alone.
type controllerSet uint8

const unreadable controllerSet = 1 << 7

// maxKnown bounds what a workload that makes cgroups without end can cost.
const maxKnown = 1 << 12

// CgroupRoot returns where the hierarchy of version 2 is mounted, empty if this
// machine has none.
func CgroupRoot() string {
	switch cgroups.Mode() {
	case cgroups.Unified:
		return "/sys/fs/cgroup"
	case cgroups.Hybrid:
		return "/sys/fs/cgroup/unified"
	}
	return ""
}

// NewControllers looks at how this machine mounts its cgroups.
func NewControllers() *Controllers {
	return newControllers(CgroupRoot())
}

func newControllers(root string) *Controllers {
	return &Controllers{root: root, known: make(map[string]controllerSet)}
}

// Resolve gives each controller of c that is not in a hierarchy of version 1
// the path of the cgroup it really uses. Where the hierarchy cannot be read (a
// container with a cgroup namespace of its own) paths stay as they are.
func (k *Controllers) Resolve(c *Cgroup) {
	if k.root == "" || len(c.Unified) == 0 || c.Unified[0] != '/' {
		return
	}
	missing := controllerSet(0)
	for i, p := range c.paths {
		if p == nil {
			missing |= 1 << i
		}
	}
	for path := c.Unified; missing != 0; path = parent(path) {
		has := k.enabled(path)
		if has == unreadable {
			return
		}
		if len(path) == 1 {
			has = missing // the root has every controller
		}
		for i := range c.paths {
			if has&missing&(1<<i) != 0 {
				c.paths[i] = path
			}
		}
		missing &^= has
	}
}

// parent returns the path of the parent of a cgroup; that of the root is the
// root.
func parent(path []byte) []byte {
	i := len(path) - 1
	for i > 0 && path[i] != '/' {
		i--
	}
	return path[:max(i, 1)]
}

func (k *Controllers) enabled(path []byte) controllerSet {
	if set, ok := k.known[string(path)]; ok {
		return set
	}
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	set := unreadable
	if text, err := readFile(k.root+string(path)+"/cgroup.controllers", maxSmall); err == nil {
		set = 0
		for name, rest := cutField(text); len(name) > 0; name, rest = cutField(rest) {
			if i := controller(name); i >= 0 {
				set |= 1 << i
			}
		}
	}
	k.known[string(path)] = set
	return set
}
