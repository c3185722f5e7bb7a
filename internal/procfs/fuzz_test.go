package procfs

import "testing"

// FuzzParse feeds every parser: none may panic, whatever a file holds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		statText, statusText, cgroupV1, "0::/a\n", "765 442 414 5 0 94 0\n", "a\x00b\x00\x00",
		"Max open files            20000                20001                files     \n",
		"pos:\t42\nflags:\t02100002\nmnt_id:\t23\nino:\t3\n",
	} {
		f.Add([]byte(s))
	}
	k := newControllers("/nowhere")
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = ParseStat(b, new(Stat))
		_ = ParseStatm(b, new(Statm))
		_ = ParseStatus(b, new(Status))
		_, _ = ParseLimits(b)
		_ = ParseFDInfo(b, new(FDInfo))
		SplitStrings(b)
		var c Cgroup
		if ParseCgroup(b, &c) == nil {
			k.Resolve(&c)
			c.Append(nil)
		}
	})
}
