package kernel

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// CgroupDir returns the directory of a cgroup of version 2, which is named by
// that directory or by its path in the hierarchy, as /proc/PID/cgroup has it.
func CgroupDir(name string) (string, error) {
	return cgroupDir(name, procfs.CgroupRoot(), onCgroup2)
}

func cgroupDir(name, root string, on func(dir string) (bool, error)) (string, error) {
	if root == "" {
		return "", fmt.Errorf("no cgroup %s: this machine has no hierarchy of version 2", name)
	}
	if name == "" {
		return "", errors.New("no cgroup given")
	}
	for _, dir := range []string{name, filepath.Join(root, name)} {
		if ok, _ := on(dir); ok {
			return filepath.Abs(dir)
		}
	}
	if _, err := on(name); err != nil {
		return "", fmt.Errorf("no cgroup %s: it is neither a directory nor below %s", name, root)
	}
	return "", fmt.Errorf("%s is not a cgroup of version 2; those are below %s", name, root)
}

// onCgroup2 reports whether a directory is a cgroup of version 2. A directory
// that cannot be looked at is an error.
func onCgroup2(dir string) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false, err
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return false, err
	}
	return fs.Type == unix.CGROUP2_SUPER_MAGIC && st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}
