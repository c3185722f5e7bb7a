package procfs

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// The test binary is also the process to look at: it opens one descriptor of
// each kind, tells their numbers, and waits for its input to end.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PROCFS_TEST_DIR"); dir != "" {
		if err := openAll(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("ready 0")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	os.Exit(m.Run())
}

var keep []any // open descriptors, against the garbage collector

func openAll(dir string) error {
	runtime.LockOSThread()
	if err := os.Chdir(dir); err != nil {
		return err
	}
	var err error
	tell := func(name string, open func() (int, error)) {
		var fd int
		if err == nil {
			if fd, err = open(); err == nil {
				fmt.Println(name, fd)
			}
		}
	}
	socket := func(c interface{ File() (*os.File, error) }, e error) (int, error) {
		if e != nil {
			return 0, e
		}
		f, e := c.File()
		keep = append(keep, c, f)
		if e != nil {
			return 0, e
		}
		return int(f.Fd()), nil
	}
	var tcp *net.TCPListener
	tell("file", func() (int, error) { return unix.Open("a file", unix.O_RDWR|unix.O_CREAT|unix.O_APPEND, 0o600) })
	tell("gone", func() (int, error) {
		fd, err := unix.Open("gone", unix.O_WRONLY|unix.O_CREAT, 0o600)
		_ = os.Remove("gone")
		return fd, err
	})
	tell("dir", func() (int, error) { return unix.Open(".", unix.O_RDONLY|unix.O_DIRECTORY, 0) })
	tell("null", func() (int, error) { return unix.Open("/dev/null", unix.O_RDONLY, 0) })
	tell("pipe", func() (int, error) {
		var p [2]int
		err := unix.Pipe(p[:])
		return p[1], err
	})
	tell("event", func() (int, error) { return unix.Eventfd(0, 0) })
	tell("epoll", func() (int, error) { return unix.EpollCreate1(0) })
	tell("inotify", func() (int, error) { return unix.InotifyInit() })
	tell("timer", func() (int, error) { return unix.TimerfdCreate(unix.CLOCK_MONOTONIC, 0) })
	tell("signal", func() (int, error) { return unix.Signalfd(-1, &unix.Sigset_t{}, 0) })
	tell("memfd", func() (int, error) { return unix.MemfdCreate("m e", 0) })
	tell("pidfd", func() (int, error) { return unix.PidfdOpen(os.Getpid(), 0) })
	tell("netlink", func() (int, error) {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		}
		return fd, err
	})
	tell("unbound", func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0) })
	tell("unix", func() (int, error) {
		c, err := net.ListenUnix("unix", &net.UnixAddr{Name: "u.sock"})
		return socket(c, err)
	})
	tell("server", func() (fd int, err error) {
		tcp, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		return socket(tcp, err)
	})
	tell("client", func() (int, error) {
		c, err := net.DialTCP("tcp4", nil, tcp.Addr().(*net.TCPAddr))
		return socket(c, err)
	})
	tell("udp", func() (int, error) {
		c, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
		return socket(c, err)
	})
	return err
}

type child struct {
	cmd *exec.Cmd
	dir string
	fds map[string]int
}

func start(t *testing.T) *child {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{dir: dir, fds: make(map[string]int)}
	c.cmd = exec.Command(exe, "one", "", "two words")
	c.cmd.Args[0] = "zero"
	c.cmd.Env = []string{"PROCFS_TEST_DIR=" + dir, "EMPTY="}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.cmd.Wait()
	})
	for s := bufio.NewScanner(out); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		if name == "ready" {
			return c
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(s.Text())
		}
		c.fds[name] = n
	}
	t.Fatal("the child ended")
	return nil
}

func TestScan(t *testing.T) {
	before := uint64(time.Now().Add(-time.Second).UnixNano())
	c := start(t)
	pid := int64(c.cmd.Process.Pid)
	st := Scan([]int{int(pid), 1 << 30}, nil) // the second is not there
	var leader *snapshot.Thread
	for i := range st.Threads {
		th := &st.Threads[i]
		if th.PID != pid {
			t.Errorf("thread %d of process %d", th.TID, th.PID)
		}
		if th.TID == pid {
			leader = th
		} else if th.Flags != 0x2001 || th.FDs != nil || th.Exe != "zero" {
			t.Errorf("thread %+v", th)
		}
	}
	if leader == nil || len(st.Threads) < 2 {
		t.Fatalf("%d threads", len(st.Threads))
	}
	exe, _ := os.Executable()
	if leader.Exe != "zero" || !slices.Equal(leader.Args, []string{"one", "", "two words"}) || leader.ExePath != exe ||
		!slices.Equal(leader.Env, c.cmd.Env) || leader.CWD != c.dir+"/" || leader.Root != "/" || leader.Flags != 0 ||
		leader.Comm != filepath.Base(exe)[:min(15, len(filepath.Base(exe)))] || leader.PTID != int64(os.Getpid()) {
		t.Errorf("%+v", leader)
	}
	if leader.PGID != int64(unix.Getpgrp()) || leader.VPGID < 0 || leader.VTID <= 0 || leader.VPID <= 0 || leader.SID < 0 {
		t.Errorf("ids %+v", leader)
	}
	if leader.UID != uint32(os.Geteuid()) || leader.VMSize == 0 || leader.VMRSS == 0 || leader.MinFault == 0 || leader.FDLimit < 64 {
		t.Errorf("%+v", leader)
	}
	if len(leader.Cgroups) != 5 || !strings.HasPrefix(leader.Cgroups[0], "cpuset=/") || !strings.HasPrefix(leader.Cgroups[3], "io=/") {
		t.Errorf("cgroups %q", leader.Cgroups)
	}
	info, err := os.Stat(exe)
	if err != nil {
		t.Fatal(err)
	}
	if leader.ExeMTime != uint64(info.ModTime().UnixNano()) || leader.ExeIno == 0 || leader.ExeMemfd {
		t.Errorf("exe %+v", leader)
	}
	if own := info.Sys().(*syscall.Stat_t).Uid == leader.UID; leader.ExeWritable != (own || leader.CapEff>>capFowner&1 != 0) {
		t.Errorf("writable %v, own %v", leader.ExeWritable, own)
	}
	if m := st.Machine; m.CPUs == 0 || m.Memory == 0 || m.MaxPID == 0 || m.Hostname == "" || m.BootTime == 0 || m.BootTime > before {
		t.Errorf("machine %+v", m)
	}
	if leader.PIDNSInitStart < st.Machine.BootTime-uint64(time.Second) {
		t.Errorf("init started at %d, the machine at %d", leader.PIDNSInitStart, st.Machine.BootTime)
	}
	if len(st.Users) == 0 || len(st.Groups) == 0 || len(st.Interfaces) == 0 {
		t.Errorf("%d users, %d groups, %d interfaces", len(st.Users), len(st.Groups), len(st.Interfaces))
	}
	checkFDs(t, c, leader.FDs)
}

func checkFDs(t *testing.T, c *child, list []snapshot.FD) {
	t.Helper()
	byNumber := make(map[int64]snapshot.FD)
	for _, fd := range list {
		byNumber[fd.FD] = fd
	}
	get := func(name string) snapshot.FD { return byNumber[int64(c.fds[name])] }
	const rdonly, wronly, rdwr, appends = 1, 2, 3, 8
	for _, w := range []struct {
		name  string
		kind  snapshot.FDType
		text  string
		flags uint32
	}{
		{"file", snapshot.FDFileV2, c.dir + "/a file", rdwr | appends},
		{"gone", snapshot.FDFileV2, c.dir + "/gone (deleted)", wronly},
		{"dir", snapshot.FDDir, c.dir, 0},
		{"null", snapshot.FDFileV2, "/dev/null", rdonly},
		{"event", snapshot.FDEvent, "", 0},
		{"epoll", snapshot.FDEventPoll, "", 0},
		{"inotify", snapshot.FDInotify, "", 0},
		{"timer", snapshot.FDTimer, "", 0},
		{"signal", snapshot.FDSignal, "", 0},
		{"memfd", snapshot.FDMemfd, "/memfd:m e (deleted)", 0},
		{"pidfd", snapshot.FDPIDFD, "", 0},
		{"netlink", snapshot.FDNetlink, "", 0},
		{"unix", snapshot.FDUnixSock, "u.sock", 0},
	} {
		fd := get(w.name)
		const largefile = 2048 // set by the kernel on open, not by the program
		if fd.Type != w.kind || fd.Name != w.text || fd.Flags&^largefile != w.flags || fd.Ino == 0 {
			t.Errorf("%s: %+v, want %+v", w.name, fd, w)
		}
	}
	if fd := get("pipe"); fd.Type != snapshot.FDFifo || fd.Name != fmt.Sprintf("pipe:[%d]", fd.Ino) {
		t.Errorf("pipe: %+v", fd)
	}
	if fd := get("unbound"); fd.Type != snapshot.FDUnsupported || !strings.HasPrefix(fd.Name, "socket:[") {
		t.Errorf("unbound: %+v", fd)
	}
	var st unix.Stat_t
	if err := unix.Stat(c.dir+"/a file", &st); err != nil {
		t.Fatal(err)
	}
	if fd := get("file"); fd.Ino != st.Ino || fd.Dev == 0 {
		t.Errorf("file: %+v, inode %d", fd, st.Ino)
	}
	server, client, udp := get("server"), get("client"), get("udp")
	if server.Type != snapshot.FDIPv4Server || server.Proto != snapshot.L4TCP || string(server.SrcIP) != "\x7f\x00\x00\x01" || server.SrcPort == 0 {
		t.Errorf("server: %+v", server)
	}
	if client.Type != snapshot.FDIPv4Sock || string(client.DstIP) != "\x7f\x00\x00\x01" || client.DstPort != server.SrcPort {
		t.Errorf("client: %+v", client)
	}
	if udp.Type != snapshot.FDIPv6Server || udp.Proto != snapshot.L4UDP || len(udp.SrcIP) != 16 || udp.SrcIP[15] != 1 {
		t.Errorf("udp: %+v", udp)
	}
}

func TestScanAll(t *testing.T) {
	st := Scan(nil, nil)
	for i := range st.Threads {
		if th := &st.Threads[i]; th.TID == int64(os.Getpid()) {
			return
		}
	}
	t.Errorf("%d threads, not this one", len(st.Threads))
}

// TestScanAncestor: of who has no events it is enough to know what it is.
func TestScanAncestor(t *testing.T) {
	c := start(t)
	st := Scan([]int{}, []int{c.cmd.Process.Pid, 1 << 30})
	if len(st.Threads) != 1 {
		t.Fatalf("%d threads, want 1", len(st.Threads))
	}
	th := st.Threads[0]
	if th.TID != int64(c.cmd.Process.Pid) || th.PTID != int64(os.Getpid()) || th.Exe != "zero" || th.ExePath == "" || th.VMSize == 0 || th.FDs != nil {
		t.Errorf("%+v", th)
	}
}

func TestMayWrite(t *testing.T) {
	st := func(uid, gid uint32, groups string, caps uint64) *Status {
		return &Status{UID: [4]uint32{0, 0, 0, uid}, GID: [4]uint32{0, 0, 0, gid}, Groups: []byte(groups), CapEff: caps}
	}
	file := func(mode uint32) *unix.Stat_t { return &unix.Stat_t{Uid: 5, Gid: 6, Mode: mode} }
	for _, c := range []struct {
		file     *unix.Stat_t
		readOnly bool
		who      *Status
		want     bool
	}{
		{file(0o555), false, st(5, 9, "", 0), true},           // the owner may chmod
		{file(0o555), true, st(9, 9, "", 1<<capFowner), true}, // so may this
		{file(0o555), false, st(9, 9, "", 1<<capDACOverride), true},
		{file(0o777), true, st(9, 9, "", 1<<capDACOverride), false},
		{file(0o575), false, st(9, 6, "", 0), true},
		{file(0o575), false, st(9, 9, "\t1 6 7", 0), true},
		{file(0o557), false, st(9, 9, "", 0), true},
		{file(0o557), false, st(9, 6, "", 0), false},
		{file(0o575), false, st(9, 9, "\t1 7", 0), false},
	} {
		if got := MayWrite(c.file, c.readOnly, c.who); got != c.want {
			t.Errorf("%o by %+v: %v", c.file.Mode, c.who, got)
		}
	}
}
