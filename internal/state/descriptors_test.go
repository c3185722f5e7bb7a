package state

import (
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

func TestCloseIsPostponed(t *testing.T) {
	m := proc100(t)
	m.openat(100, 3, "f", 1)
	m.do(100, event.CloseX, 0, 3)
	if m.FD() == nil || m.FDNum() != 3 {
		t.Fatal("closed descriptor is unknown")
	}
	m.do(100, event.CloseX, -9, 3)
	if m.FD() != nil {
		t.Error("descriptor is still there")
	}
}

// Between the two events of close, another thread gets the number.
func TestCloseRace(t *testing.T) {
	m := proc100(t)
	m.clone(101, 0, 100, 1, cloneThread|cloneFiles|cloneFS, "sh")
	m.openat(100, 3, "/old", 1)
	m.do(100, event.CloseE, 3)
	m.openat(101, 3, "/new", 1)
	m.do(100, event.CloseX, 0)
	m.do(100, event.GetuidX, 0)
	m.want("descriptor", m.fdName(100, 3), "/new")
}

// Edition V036: exit events lack what enter events have.
func TestEnterEventsCompleteExits(t *testing.T) {
	m := proc100(t)
	m.openat(100, 3, "f", 1)
	m.do(100, event.ReadE, 3, 10)
	m.do(100, event.ReadX, 4, []byte("data"))
	if m.FDNum() != 3 || m.FD() == nil {
		t.Error("read: no descriptor")
	}
	m.do(100, event.SocketE, 2, sockStream, 0)
	m.do(100, event.SocketX, 4)
	if f := m.FD(); f == nil || f.Type != snapshot.FDIPv4Sock || f.Proto != snapshot.L4TCP {
		t.Errorf("socket: %+v", f)
	}
	m.do(100, event.FchdirE, 3)
	m.do(100, event.FchdirX, 0)
	m.want("cwd", m.Thread().CWD(), "/root/f/")
	m.do(100, event.SetuidE, 5)
	m.do(100, event.SetuidX, 0)
	if m.Thread().UID != 5 {
		t.Errorf("uid %d", m.Thread().UID)
	}
	m.do(100, event.CloseE, 3)
	m.do(100, event.CloseX, 0)
	m.do(100, event.GetuidX, 0)
	m.want("closed", m.fdName(100, 3), "no descriptor")
}

func TestDescriptors(t *testing.T) {
	m := proc100(t)
	m.openat(100, 3, "f", 1|openCloexec)
	m.do(100, event.DupX, 4, 3)
	m.do(100, event.Dup3X, 5, 3, 5, openCloexec)
	m.do(100, event.FcntlX, 6, 3, fcntlDupFD, 0)
	m.do(100, event.PipeX, 0, 7, 8, 99)
	m.do(100, event.MemfdCreateX, 9, "mem", 1)
	m.do(100, event.PidfdOpenX, 10, 1, 0)
	m.do(100, event.PidfdGetfdX, 11, 10, 0, 0)
	m.do(100, event.EpollCreate1X, 12, 1)
	for fd, want := range map[int64]string{4: "/root/f", 5: "/root/f", 6: "/root/f", 7: "", 8: "", 9: "mem", 10: "/proc/1", 12: ""} {
		m.want("descriptor", m.fdName(100, fd), want)
	}
	th := m.Lookup(100)
	if th.FD(4).Flags&openCloexec != 0 || th.FD(5).Flags&openCloexec == 0 || th.FD(7).Type != snapshot.FDFifo {
		t.Error("flags or types are wrong")
	}
	m.do(100, event.CloseRangeX, 0, 5, 8, 0)
	m.do(100, event.GetuidX, 0)
	if th.FD(5) != nil || th.FD(8) != nil || th.FD(4) == nil || th.FD(9) == nil {
		t.Error("close_range closed the wrong ones")
	}
	m.exec(100, 100, 1, "/bin/x", "x")
	if th.FD(9) != nil || th.FD(12) != nil || th.FD(4) == nil {
		t.Error("exec closed the wrong ones")
	}
}

func TestSockets(t *testing.T) {
	m := proc100(t)
	addr := func(last byte, port uint16) []byte {
		return []byte{2, 127, 0, 0, last, byte(port), byte(port >> 8)}
	}
	tuple := func(a, b []byte) []byte { return append(a[:7:7], b[1:]...) }
	m.do(100, event.SocketX, 3, afInet, sockStream, 0, 0)
	m.do(100, event.ConnectX, 0, tuple(addr(1, 4000), addr(2, 80)), 3, addr(2, 80))
	m.want("connect", m.fdName(100, 3), "127.0.0.1:4000->127.0.0.2:80")
	m.do(100, event.SocketX, 4, afInet, sockDgram, 0, 0)
	m.do(100, event.BindX, 0, addr(1, 53), 4)
	m.want("bind", m.fdName(100, 4), "127.0.0.1:53")
	if !m.FD().IsListener() {
		t.Error("bound socket is no listener")
	}
	m.do(100, event.RecvfromX, 1, []byte("q"), tuple(addr(9, 999), addr(1, 53)), 4, 1)
	m.want("request", m.fdName(100, 4), "127.0.0.9:999->127.0.0.1:53")
	m.do(100, event.SendtoX, 1, []byte("a"), 4, 1, tuple(addr(1, 53), addr(9, 999)))
	m.want("answer", m.fdName(100, 4), "127.0.0.9:999->127.0.0.1:53")
	if m.FD().Role != Server {
		t.Error("server is none")
	}
	m.do(100, event.Accept4X, 5, tuple(addr(7, 7000), addr(1, 80)), 0, 0, 1, 0)
	m.want("accept", m.fdName(100, 5), "127.0.0.7:7000->127.0.0.1:80")
	if f := m.FD(); f.Role != Server || f.L4Proto() != snapshot.L4TCP {
		t.Error("accepted socket is no server")
	}
}

func TestPaths(t *testing.T) {
	for _, c := range [][3]string{
		{"/root/", "f", "/root/f"}, {"/root/", "/f", "/f"}, {"/root/", "../f", "/f"}, {"/", "../../f", "/f"},
		{"/root/", "./a//b/../c/", "/root/a/c"}, {"/root/", "", "/root"}, {"/root/", "..f/a..", "/root/..f/a.."},
		{"/", "", "/"}, {"", "f", "f"}, {"<UNKNOWN>", "f", "<UNKNOWN>f"}, {"/root/", "..", "/"}, {"/a/b/", ".", "/a/b"},
	} {
		if got := join(c[0], []byte(c[1])); got != c[2] {
			t.Errorf("%q from %q is %q, want %q", c[1], c[0], got, c[2])
		}
	}
}

func TestDirFD(t *testing.T) {
	m := proc100(t)
	m.openat(100, 3, "/usr/lib", 1|openDirectory)
	m.do(100, event.OpenatX, 4, 3, "x.so", 1, 0, 0, 0)
	m.want("relative to a descriptor", m.fdName(100, 4), "/usr/lib/x.so")
	b, ok := m.AppendPath(nil, 2)
	m.want("path", string(b), "/usr/lib/x.so")
	if !ok || m.Lookup(100).FD(3).Type != snapshot.FDDir {
		t.Error("no directory")
	}
}
