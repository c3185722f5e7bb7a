package output

import (
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
)

// wideMark separates the parameters from the fields that wideFormat adds to
// peerFormat: what the state says of the event.
const (
	wideMark   = "##"
	wideFD     = " fd "
	wideFormat = peerFormat + " ## %proc.pid %proc.ppid %proc.exe %proc.exepath [%proc.cmdline] %proc.cwd" +
		" %proc.nthreads %user.uid %user.name %evt.category %evt.res %evt.io_dir" +
		wideFD + "%fd.num %fd.name %fd.type %fd.typechar %fd.directory %fd.filename %fd.l4proto %fd.sockfamily" +
		" %fd.cip->%fd.sip:%fd.sport"
)

const cwd = event.AtFDCWD

// clone makes the parameters of one side of a clone.
func clone(res, tid, pid, ppid, flags int, comm string) []any {
	return []any{res, comm, []byte("-c\x00ls\x00"), tid, pid, ppid, "", 1024, 1, 2, 3, 4, 5, comm,
		[]byte("cpu=/\x00"), flags, 1000, 1000, tid, pid, 0}
}

// execve makes the parameters of the exit of an exec.
func execve(res, tid, pid, ppid int, path, comm string) []any {
	return []any{res, comm, []byte("-c\x00ls\x00"), tid, pid, ppid, "", 1024, 1, 2, 3, 4, 5, comm, []byte("cpu=/\x00"),
		[]byte("A=1\x00B=2\x00"), 0, pid, -1, 0, 0, 0, 0, 77, 0, 0, 1000, path}
}

// Processes that are made, run programs and end.
func TestProcessesLikeSysdig(t *testing.T) {
	s := &script{t: t, ts: testTime}
	const thread = 1 | 2 | 1<<11 | 1<<13 | 1<<15 // CLONE_FILES, FS, SIGHAND, THREAD, VM
	s.call(100, event.OpenatE, []any{cwd, "a/../b", 1, 0}, []any{5, cwd, "a/../b", 1, 0, 0, 0})

	s.add(100, event.CloneE)
	s.add(100, event.CloneX, clone(200, 100, 100, 1, 0, "sh")...)
	s.add(200, event.CloneX, clone(0, 200, 200, 100, 0, "sh")...)
	s.call(200, event.ReadE, []any{5, 10}, []any{4, []byte("data")})
	s.call(200, event.ExecveE, []any{"/usr/bin/cat"}, execve(0, 200, 200, 100, "/usr/bin/cat", "cat"))
	s.call(200, event.CloseE, []any{5}, []any{0})
	s.call(200, event.CloseE, []any{5}, []any{-9})
	s.call(100, event.ReadE, []any{5, 10}, []any{0, nil})

	s.add(100, event.VforkE)
	s.add(300, event.VforkX, clone(0, 300, 300, 100, 0, "sh")...) // the child is first
	s.call(300, event.ExecveE, []any{"nothing"}, execve(-2, 300, 300, 100, "/bin/sh", "sh"))
	s.call(300, event.ExecveE, []any{"/usr/bin/ls"}, execve(0, 300, 300, 100, "/usr/bin/ls", "ls"))
	s.add(100, event.VforkX, clone(300, 100, 100, 1, 0, "sh")...)

	s.add(200, event.Clone3E)
	s.add(200, event.Clone3X, clone(201, 200, 200, 100, thread, "cat")...)
	s.add(201, event.Clone3X, clone(0, 201, 200, 100, thread, "cat")...)
	s.call(201, event.OpenE, []any{"shared", 2, 0o600}, []any{7, "shared", 2, 0o600, 0, 0})
	s.call(200, event.WriteE, []any{7, 3}, []any{3, []byte("abc")})
	s.call(201, event.ChdirE, nil, []any{0, "../tmp"})
	s.call(200, event.StatE, nil, []any{-2, "f"})
	s.add(201, event.ProcExitE, 0, 0, 0, 0, 0)
	s.call(200, event.WriteE, []any{7, 3}, []any{-32, []byte("abc")})

	s.call(200, event.SetresuidE, []any{-1, 0, -1}, []any{0})
	s.call(200, event.SetuidE, []any{12345}, []any{0})
	s.call(200, event.GetuidE, nil, []any{12345})
	s.call(200, event.KillE, []any{300, 15}, []any{0})
	s.add(300, event.SignalDeliverE, 200, 300, 15)
	s.add(300, event.ProcExitE, 15, 0, 15, 0, 0)
	s.call(200, event.KillE, []any{300, 0}, []any{-3})
	s.add(200, event.ProcExitE, 256, 1, 0, 0, 1)
	s.call(100, event.GetuidE, nil, []any{0})
	s.compare(bookworm(t), testSnapshot(), wideFormat)
}

// Calls of which sysdig does not say which descriptor they are about.
func TestPathsLikeSysdig(t *testing.T) {
	s := &script{t: t, ts: testTime}
	do := func(enter event.Type, in, out []any) { s.t.Helper(); s.call(100, enter, in, out) }
	do(event.OpenatE, []any{cwd, "/usr/lib", 1024 | 1, 0}, []any{6, cwd, "/usr/lib", 1024 | 1, 0, 0, 0})
	do(event.UnlinkatE, nil, []any{0, 6, "../z", 0x200})
	do(event.RenameatE, nil, []any{0, cwd, "old", 6, "new"})
	do(event.SymlinkatE, nil, []any{0, "target", 6, "./link"})
	do(event.LinkatE, nil, []any{0, 6, "a", 3, "b", 0})
	do(event.MmapE, []any{0, 4096, 1, 2, 6, 0}, []any{0x7f0000000000, 1, 2, 3})
	s.compare(bookworm(t), testSnapshot(), peerFormat)
}

// A thread that is in the middle of its life when it is first seen.
func TestUnknownLikeSysdig(t *testing.T) {
	s := &script{t: t, ts: testTime}
	s.call(777, event.ReadE, []any{3, 1}, []any{1, []byte("x")})
	s.call(777, event.OpenE, []any{"rel", 1, 0}, []any{4, "rel", 1, 0, 0, 0})
	s.call(777, event.OpenatE, []any{88, "rel", 1, 0}, []any{5, 88, "rel", 1, 0, 0, 0})
	s.call(777, event.SendtoE, []any{6, 3, tuple(sock4(1, 5353), sock4(3, 53))}, []any{3, []byte("que")})
	s.call(777, event.ReadE, []any{6, 1}, []any{1, []byte("x")})
	s.add(778, event.CloseX, 0) // its enter event is lost
	s.add(779, event.ProcExitE, 0, 0, 0, 0, 0)
	s.add(777, event.ProcExitE, 0, 0, 0, 0, 0)
	s.call(777, event.GetuidE, nil, []any{0})
	s.compare(bookworm(t), testSnapshot(), peerFormat)
}

// Descriptors that are made, copied and closed.
func TestDescriptorsLikeSysdig(t *testing.T) {
	s := &script{t: t, ts: testTime}
	do := func(enter event.Type, in, out []any) { s.t.Helper(); s.call(100, enter, in, out) }
	do(event.OpenatE, []any{3, "hosts", 1, 0}, []any{5, 3, "hosts", 1, 0, 0, 0})
	do(event.OpenatE, []any{cwd, "/usr/lib", 1024 | 1, 0}, []any{6, cwd, "/usr/lib", 1024 | 1, 0, 0, 0})
	do(event.OpenatE, []any{6, "./x//y", 1, 0}, []any{7, 6, "./x//y", 1, 0, 0, 0})
	do(event.OpenatE, []any{88, "x", 1, 0}, []any{8, 88, "x", 1, 0, 0, 0})
	do(event.CreatE, []any{"new", 0o644}, []any{9, "new", 0o644, 0, 0})
	do(event.OldDupE, []any{5}, []any{10}) // sysdig does not know the new form yet
	do(event.OldDupE, []any{5}, []any{4})
	do(event.OldDupE, []any{6}, []any{11})
	do(event.FcntlE, []any{7, 1}, []any{12, 7, 1})
	do(event.FcntlE, []any{7, 4}, []any{0, 7, 4})
	do(event.PipeE, nil, []any{0, 13, 14, 99})
	do(event.WriteE, []any{14, 2}, []any{2, []byte("ab")})
	do(event.ReadE, []any{13, 2}, []any{2, []byte("ab")})
	do(event.EventfdE, []any{1, 0}, []any{15})
	do(event.SignalfdE, []any{-1, 0, 0}, []any{17})
	do(event.TimerfdCreateE, []any{0, 0}, []any{18})
	do(event.InotifyInitE, []any{0}, []any{19})
	do(event.SocketpairE, []any{1, 1, 0}, []any{0, 21, 22, 0xabc, 0xdef})
	do(event.WriteE, []any{21, 1}, []any{1, []byte("a")})
	do(event.PollE, []any{fds(5, 1, 13, 4, 21, 5, 99, 1), 100}, []any{1, fds(5, 1)})
	do(event.FchdirE, []any{6}, []any{0})
	do(event.GetcwdE, nil, []any{9, "/usr/lib"})
	do(event.LseekE, []any{5, 10, 0}, []any{10})
	do(event.SendfileE, []any{14, 5, 0, 10}, []any{10, 10})
	do(event.FstatE, []any{5}, []any{0})
	do(event.CloseE, []any{5}, []any{0})
	do(event.FstatE, []any{5}, []any{-9})
	do(event.FstatE, []any{10}, []any{0})
	s.compare(bookworm(t), testSnapshot(), wideFormat)
}

// fds makes a list for poll of pairs of descriptor and events.
func fds(pairs ...byte) []byte {
	b := []byte{byte(len(pairs) / 2), 0}
	for i := 0; i < len(pairs); i += 2 {
		b = append(b, pairs[i], 0, 0, 0, 0, 0, 0, 0, pairs[i+1], 0)
	}
	return b
}

// Connections from both ends.
func TestSocketsLikeSysdig(t *testing.T) {
	s := &script{t: t, ts: testTime}
	do := func(enter event.Type, in, out []any) { s.t.Helper(); s.call(100, enter, in, out) }
	do(event.SocketE, []any{2, 1, 6}, []any{5})
	do(event.ConnectE, []any{5, sock4(2, 80)}, []any{0, tuple(sock4(1, 4000), sock4(2, 80)), 5})
	do(event.WriteE, []any{5, 3}, []any{3, []byte("GET")})
	do(event.SendtoE, []any{5, 3, tuple(sock4(1, 4000), sock4(2, 80))}, []any{3, []byte("GET")})
	do(event.RecvfromE, []any{5, 9}, []any{2, []byte("OK"), tuple(sock4(2, 80), sock4(1, 4000))})
	do(event.ShutdownE, []any{5, 1}, []any{0})
	do(event.SocketE, []any{10, 1 | 0x80000, 0}, []any{6})
	do(event.ConnectE, []any{6, sock6("2001:db8::2", 443)},
		[]any{-115, tuple(sock6("2001:db8::1", 5000), sock6("2001:db8::2", 443)), 6})
	do(event.SendmsgE, []any{6, 1, tuple(sock6("2001:db8::1", 5000), sock6("2001:db8::2", 443))}, []any{1, []byte("x")})
	do(event.SocketE, []any{2, 1, 0}, []any{7})
	do(event.BindE, []any{7}, []any{0, sock4(1, 8080)})
	do(event.ListenE, []any{7, 128}, []any{0})
	do(event.AcceptE, nil, []any{8, tuple(sock4(9, 999), sock4(1, 8080)), 0, 0, 128})
	do(event.ReadE, []any{8, 9}, []any{2, []byte("hi")})
	do(event.OldAccept4V5E, []any{0}, []any{9, tuple(sock6("::ffff:1.2.3.4", 7), sock6("::ffff:4.3.2.1", 8080)), 0, 0, 128})
	do(event.WriteE, []any{9, 9}, []any{2, []byte("hi")})
	do(event.SocketE, []any{2, 2, 17}, []any{10})
	do(event.SendtoE, []any{10, 3, tuple(sock4(1, 5353), sock4(3, 53))}, []any{3, []byte("que")})
	do(event.RecvfromE, []any{10, 9}, []any{3, []byte("ans"), tuple(sock4(3, 53), sock4(1, 5353))})
	do(event.SocketE, []any{2, 2, 0}, []any{11})
	do(event.BindE, []any{11}, []any{0, sock4(1, 53)})
	do(event.SocketE, []any{1, 1, 0}, []any{12})
	do(event.ConnectE, []any{12, sockUnix("/run/x")}, []any{0, tupleUnix(0xa, 0xb, "/run/x"), 12})
	do(event.WriteE, []any{12, 1}, []any{1, []byte("x")})
	do(event.SocketE, []any{1, 1, 0}, []any{13})
	do(event.BindE, []any{13}, []any{0, sockUnix("/run/y")})
	do(event.AcceptE, nil, []any{14, tupleUnix(0xc, 0xd, "/run/y"), 0, 0, 1})
	do(event.ReadE, []any{14, 1}, []any{1, []byte("x")})
	do(event.SocketE, []any{16, 3, 0}, []any{15})
	do(event.BindE, []any{15}, []any{0, nil})
	do(event.SocketE, []any{2, 3, 1}, []any{16})
	do(event.SendtoE, []any{16, 3, tuple(sock4(1, 0), sock4(3, 0))}, []any{3, []byte("png")})
	do(event.SocketE, []any{17, 3, 0}, []any{17})
	do(event.CloseE, []any{5}, []any{0})
	do(event.CloseE, []any{14}, []any{0})
	s.compare(bookworm(t), testSnapshot(), wideFormat)
}
