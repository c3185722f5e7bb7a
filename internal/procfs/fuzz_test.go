package procfs

import "testing"

// FuzzParse feeds every parser: none may panic, whatever a file holds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		statText, statusText, cgroupV1, "0::/a\n", "765 442 414 5 0 94 0\n", "a\x00b\x00\x00",
		"Max open files            20000                20001                files     \n",
		"pos:\t42\nflags:\t02100002\nmnt_id:\t23\nino:\t3\n",
		"  12: 0100007F:A3D2 0200000A:01BB 01 00000000:00000000 02:000A 00000000  1000        0 1059 2 0 20 4 30 10 -1",
		"ffff88011abfb000: 00000002 00000000 00010000 0001 01 1055 /run/a b.sock",
		"41 23 0:50 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/u\\134,x\\040y,workdir=/w\n",
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
		ParseInetSocket(b, 0)
		ParseUnixSocket(b)
		ParseNetlinkSocket(b)
		if mounts, err := ParseMountinfo(b); err == nil {
			mountOf(mounts, "/bin/true")
		}
		var c Cgroup
		if ParseCgroup(b, &c) == nil {
			k.Resolve(&c)
			c.Append(nil)
		}
	})
}
