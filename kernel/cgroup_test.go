package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/procfs"
)

func TestCgroupDir(t *testing.T) {
	plain := t.TempDir()
	root := procfs.CgroupRoot()
	if root == "" {
		t.Skip("no hierarchy of version 2")
	}
	if dir, err := CgroupDir(root); dir != root || err != nil {
		t.Errorf("%s: %s %v", root, dir, err)
	}
	for _, c := range []struct{ name, want string }{
		{plain, "not a cgroup of version 2"},
		{filepath.Join(plain, "none"), "neither a directory nor below " + root},
		{root + "/cgroup.procs", "not a cgroup"},
		{"", "no cgroup"},
	} {
		if dir, err := CgroupDir(c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %q %v, want %q", c.name, dir, err, c.want)
		}
	}
	name := "lanner-test"
	if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
		t.Skipf("can't make a cgroup: %v", err)
	}
	defer os.Remove(filepath.Join(root, name))
	for _, n := range []string{name, "/" + name, filepath.Join(root, name), filepath.Join(root, name) + "/"} {
		if dir, err := CgroupDir(n); dir != filepath.Join(root, name) || err != nil {
			t.Errorf("%s: %s %v", n, dir, err)
		}
	}
	if _, err := cgroupDir("x", "", onCgroup2); err == nil || !strings.Contains(err.Error(), "no hierarchy of version 2") {
		t.Errorf("without a hierarchy: %v", err)
	}
}
