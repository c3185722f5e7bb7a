package procfs

import "strings"

// Sysctl returns a setting of the kernel that is a number, by its dotted name;
// ok is false where the kernel has no such setting or does not show it. proc is
// where /proc is.
func Sysctl(proc, name string) (value int, ok bool) {
	text, err := readFile(proc+"/sys/"+strings.ReplaceAll(name, ".", "/"), maxSmall)
	if err != nil {
		return 0, false
	}
	v, _, ok := cutNumber(text)
	return int(int64(v)), ok
}
