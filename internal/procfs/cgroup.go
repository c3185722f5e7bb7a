package procfs

import (
	"bytes"
	"fmt"
)

// cgroupNames are the controllers that the contract's cgroups parameter lists,
// in its order. They are the kernel's own names (struct cgroup_subsys.name):
// the version 1 hierarchy that cgroup files call "blkio" has always been the
// legacy name of "io" (include/linux/cgroup_subsys.h, block/blk-cgroup.c), and
// the drivers print the name, not the legacy name.
var cgroupNames = [...]string{"cpuset", "cpu", "cpuacct", "io", "memory"}

// Cgroup is what /proc/PID/cgroup says about the contract's controllers. Paths
// are as the reader's cgroup namespace sees them and refer to the parsed bytes;
// nil: no controller of that name is in a hierarchy of version 1.
type Cgroup struct {
	paths   [len(cgroupNames)][]byte
	Unified []byte // path in the hierarchy of version 2; nil if there is none
}

// ParseCgroup takes the text of a cgroup file, lines of "id:controllers:path"
// (kernel/cgroup/cgroup.c:proc_cgroup_show). A path may hold colons.
func ParseCgroup(b []byte, c *Cgroup) error {
	*c = Cgroup{}
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		i := bytes.IndexByte(line, ':')
		j := bytes.IndexByte(line[i+1:], ':') + i + 1
		if i < 0 || j <= i {
			return fmt.Errorf("parse cgroup: line %q: %w", clip(line), errFormat)
		}
		names, path := line[i+1:j], bytes.TrimSuffix(line[j+1:], []byte(" (deleted)"))
		if len(names) == 0 {
			c.Unified = path
		}
		for len(names) > 0 {
			name := names
			if k := bytes.IndexByte(names, ','); k >= 0 {
				name, names = names[:k], names[k+1:]
			} else {
				names = nil
			}
			if k := controller(name); k >= 0 {
				c.paths[k] = path
			}
		}
	}
	return nil
}

// controller returns the index of a name in a cgroup file, -1 for others.
func controller(name []byte) int {
	if string(name) == "blkio" {
		return 3
	}
	for i, n := range cgroupNames {
		if string(name) == n {
			return i
		}
	}
	return -1
}

// Append appends the contract's form to dst: "controller=path" and a NUL for
// each. A controller outside the hierarchies of version 1 shows the unified
// path, or the root where there is none: then the kernel has it on a hierarchy
// that nobody mounted. Controllers.Resolve makes the unified path exact.
func (c *Cgroup) Append(dst []byte) []byte {
	for i, name := range cgroupNames {
		dst = append(append(dst, name...), '=')
		switch {
		case c.paths[i] != nil:
			dst = append(dst, c.paths[i]...)
		case c.Unified != nil:
			dst = append(dst, c.Unified...)
		default:
			dst = append(dst, '/')
		}
		dst = append(dst, 0)
	}
	return dst
}
