package procfs

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
)

func addr(t *testing.T, ip []byte, port uint16) string {
	t.Helper()
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return ""
	}
	return netip.AddrPortFrom(a, port).String()
}

func TestReadSocketTables(t *testing.T) {
	type want struct {
		kind     snapshot.FDType
		src, dst string
		name     string
	}
	for text, w := range map[string]want{
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1059 1 000000002664798a 100 0 0 10 0": {
			snapshot.FDIPv4Server, "127.0.0.1:8080", "", ""},
		"  12: 0100007F:A3D2 0200000A:01BB 01 00000000:00000000 02:000A 00000000  1000        0 1059 2 0000000000000000 20 4 30 10 -1": {
			snapshot.FDIPv4Sock, "127.0.0.1:41938", "10.0.0.2:443", ""},
		"   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1059 1 0": {
			snapshot.FDIPv6Server, "[::1]:22", "", ""},
		"   1: B80D01200000000000000000EFCDAB89:0016 0000000000000000FFFF00000100007F:0017 01 00000000:00000000 00:00000000 00000000     0        0 1059 1 0": {
			snapshot.FDIPv6Sock, "[2001:db8::89ab:cdef]:22", "[::ffff:127.0.0.1]:23", ""},
	} {
		fd, ok := ParseInetSocket([]byte(text), snapshot.L4TCP)
		got := want{fd.Type, addr(t, fd.SrcIP, fd.SrcPort), "", fd.Name}
		if fd.DstIP != nil {
			got.dst = addr(t, fd.DstIP, fd.DstPort)
		}
		if !ok || fd.Ino != 1059 || fd.Proto != snapshot.L4TCP || got != w {
			t.Errorf("%q:\ngot  %+v\nwant %+v", text, got, w)
		}
	}
	for _, bad := range []string{"", "1: 0100007F:1F90 00000000:0000", "1: 0100:1F90 0:0 0A 0:0 0:0 0 0 0 1", "1: 0100007F:1F90 xx"} {
		if _, ok := ParseInetSocket([]byte(bad), snapshot.L4TCP); ok {
			t.Errorf("%q: taken", bad)
		}
	}

	fd, ok := ParseUnixSocket([]byte("ffff88011abfb000: 00000002 00000000 00010000 0001 01 1055 /run/a b.sock"))
	if !ok || fd.Ino != 1055 || fd.SrcPtr != 0xffff88011abfb000 || fd.Name != "/run/a b.sock" {
		t.Errorf("%+v", fd)
	}
	fd, ok = ParseUnixSocket([]byte("000000003cd303a6: 00000003 00000000 00000000 0001 03  1056"))
	if !ok || fd.Ino != 1056 || fd.Name != "" {
		t.Errorf("%+v", fd)
	}
	fd, ok = ParseNetlinkSocket([]byte("0000000080ad436f 0   0          00000000 0        0        0     2        0        4       "))
	if !ok || fd.Ino != 4 || fd.Type != snapshot.FDNetlink {
		t.Errorf("%+v", fd)
	}

	s := make(Sockets)
	s.read(strings.NewReader("titles\n0000: 0 0 0 1 03 7 @x\n\nnonsense\n0001: 0 0 0 1 03 8\n"), ParseUnixSocket)
	if len(s) != 2 || s[7].Name != "@x" {
		t.Errorf("%+v", s)
	}
}

func TestParseMountinfo(t *testing.T) {
	mounts, err := ParseMountinfo([]byte(`23 26 0:6 / /dev rw,relatime shared:2 master:1 - devtmpfs devtmpfs rw,mode=755
40 23 259:300 /sub\040dir /mnt/a\040b rw - ext4 /dev/x rw
41 23 0:50 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/u\134,x\040y,workdir=/w
`))
	want := []Mount{
		{ID: 23, Dev: 6, Root: "/", Point: "/dev", Type: "devtmpfs"},
		{ID: 40, Dev: 300&0xff | 259<<8 | 0x100<<12, Root: "/sub dir", Point: "/mnt/a b", Type: "ext4"},
		{ID: 41, Dev: 50, Root: "/", Point: "/", Type: "overlay", Upper: "/u,x y"},
	}
	if err != nil || len(mounts) != len(want) {
		t.Fatalf("%+v, %v", mounts, err)
	}
	for i := range want {
		if mounts[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", mounts[i], want[i])
		}
	}
	if m := mountOf(mounts, "/bin/x"); m == nil || m.ID != 41 {
		t.Errorf("%+v", m)
	}
	if _, err := ParseMountinfo([]byte("23 26 x / /dev rw\n")); err == nil {
		t.Error("no error")
	}
}
