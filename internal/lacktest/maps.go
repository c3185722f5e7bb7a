package lacktest

import (
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// NoMaps is for a kernel that is older than a type of BPF maps: making one fails as it
// did before (kernel/bpf/syscall.c:find_and_alloc_map), all else works. The command lines
// must have ended when the test does.
func NoMaps(t testing.TB, missing ebpf.MapType) []string {
	t.Helper()
	address := filepath.Join(t.TempDir(), "kernel")
	way := begin(t, noMaps, address)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return // closed, as the test is over
			}
			running.Go(func() {
				if err := serve(c, missing); err != nil {
					t.Errorf("answer bpf(2): %v", err)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return way
}

// giveFilter puts this thread under a filter that has the test asked before a map is
// made, and gives the filter's descriptor to the test.
func giveFilter(address string) error {
	const nr, arg0 = 0, 16 // in struct seccomp_data; of the argument the lower half
	code := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: nr},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 3, K: unix.SYS_BPF},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: arg0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.BPF_MAP_CREATE},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return err
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	_, _, err = c.WriteMsgUnix([]byte{0}, unix.UnixRights(int(fd)), nil)
	return err // both descriptors close with execve
}

// Of include/uapi/linux/seccomp.h: struct seccomp_notif and struct seccomp_notif_resp.
type (
	question struct {
		id         uint64
		pid, flags uint32
		nr         int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	answer struct {
		id    uint64
		value int64
		errno int32 // negative
		flags uint32
	}
)

// serve answers for the kernel until all who are under a filter have ended.
func serve(c *net.UnixConn, missing ebpf.MapType) error {
	defer c.Close()
	fd, err := receive(c)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err != nil && err != unix.EINTR {
			return err
		}
		switch {
		case poll[0].Revents&unix.POLLIN != 0:
			// Who asks may be killed meanwhile, and we interrupted.
			if err := answerOne(fd, missing); err != nil && err != unix.ENOENT && err != unix.EINTR {
				return err
			}
		case poll[0].Revents&unix.POLLHUP != 0: // since Linux 5.9
			return nil
		}
	}
}

// receive takes the descriptor that giveFilter gives.
func receive(c *net.UnixConn) (fd int, err error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := c.ReadMsgUnix(make([]byte, 1), control)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("no descriptor came: %v", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return fds[0], nil
}

func answerOne(fd int, missing ebpf.MapType) error {
	var q question
	if err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&q)); err != nil {
		return err
	}
	a := answer{id: q.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if typ, ok := mapType(&q); ok && typ == missing {
		a = answer{id: q.id, errno: -int32(unix.EINVAL)}
	}
	for {
		if err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)); err != unix.EINTR {
			return err
		}
	}
}

// mapType reads the first field of union bpf_attr. What can't be read the kernel can't
// read either.
func mapType(q *question) (typ ebpf.MapType, ok bool) {
	var b [4]byte
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: uintptr(q.args[1]), Len: len(b)}}
	n, err := unix.ProcessVMReadv(int(q.pid), local, remote, 0)
	return ebpf.MapType(binary.LittleEndian.Uint32(b[:])), err == nil && n == len(b)
}

func ioctl(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
