package procfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const cgroupV1 = `9:name=systemd:/
8:pids:/
7:blkio:/a:b
6:devices:/
4:memory:/process/abc
3:cpuset:/
2:cpu,cpuacct:/both
0::/
`

func cgroupText(c *Cgroup) string {
	return strings.ReplaceAll(string(c.Append(nil)), "\x00", " ")
}

func TestParseCgroup(t *testing.T) {
	for text, want := range map[string]string{
		cgroupV1:                        "cpuset=/ cpu=/both cpuacct=/both io=/a:b memory=/process/abc ",
		"0::/user.slice/x\n":            "cpuset=/user.slice/x cpu=/user.slice/x cpuacct=/user.slice/x io=/user.slice/x memory=/user.slice/x ",
		"0::/x (deleted)\n":             "cpuset=/x cpu=/x cpuacct=/x io=/x memory=/x ",
		"1:memory:/m\n0::/u\n":          "cpuset=/u cpu=/u cpuacct=/u io=/u memory=/m ",
		"1:memory:/m\n":                 "cpuset=/ cpu=/ cpuacct=/ io=/ memory=/m ",
		"3:io:/i\n2:cpu:/c\n1:hugetlb:": "cpuset=/ cpu=/c cpuacct=/ io=/i memory=/ ",
	} {
		var c Cgroup
		if err := ParseCgroup([]byte(text), &c); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := cgroupText(&c); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var c Cgroup
	for _, bad := range []string{"x\n", "1:cpu\n"} {
		if ParseCgroup([]byte(bad), &c) == nil {
			t.Errorf("ParseCgroup(%q): no error", bad)
		}
	}
}

func TestControllers(t *testing.T) {
	root := t.TempDir()
	for dir, controllers := range map[string]string{"": "cpuset cpu io memory pids", "a": "cpu memory pids", "a/b": "memory", "a/b/c": ""} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "cgroup.controllers"), []byte(controllers+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k := newControllers(root)
	for path, want := range map[string]string{
		"/a/b/c":   "cpuset=/ cpu=/a cpuacct=/ io=/ memory=/a/b ",
		"/a":       "cpuset=/ cpu=/a cpuacct=/ io=/ memory=/a ",
		"/":        "cpuset=/ cpu=/ cpuacct=/ io=/ memory=/ ",
		"/../gone": "cpuset=/../gone cpu=/../gone cpuacct=/../gone io=/../gone memory=/../gone ",
	} {
		for range 2 { // the second time from memory
			c := Cgroup{Unified: []byte(path)}
			k.Resolve(&c)
			if got := cgroupText(&c); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	}
}
