package kmod

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
)

// A device is one that a test opens itself, as others' readers do.
type device struct {
	fd int
	t  *testing.T
}

func openDevice(t *testing.T, cpu int) device {
	t.Helper()
	fd, err := unix.Open(fmt.Sprintf("/dev/scap%d", cpu), unix.O_RDWR|unix.O_SYNC|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return device{fd, t}
}

func (d device) close() { unix.Close(d.fd) }

// ask sends a request and returns the answer, or minus the error.
func (d device) ask(nr, arg uintptr) int {
	n, err := ioctl(d.fd, 0x7300|nr, arg)
	var errno unix.Errno
	if errors.As(err, &errno) {
		return -int(errno)
	}
	return n
}

func (d device) want(what string, nr, arg uintptr, want int) {
	d.t.Helper()
	if got := d.ask(nr, arg); got != want {
		d.t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// TestDevices goes through what the contract says of the devices.
func TestDevices(t *testing.T) {
	for edition, versions := range map[string][2]version{
		kmodtest.Current: {10<<44 | 1<<24, 4<<44 | 5<<24 | 1},
		kmodtest.V036:    {5 << 44, 2<<44 | 10<<24},
		kmodtest.Legacy:  {1 << 44, 1 << 44},
	} {
		t.Run(edition, func(t *testing.T) {
			needsModule(t, edition)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			st, err := os.Stat("/dev/scap0")
			if err != nil || st.Mode() != os.ModeDevice|os.ModeCharDevice|0o400 {
				t.Fatalf("/dev/scap0: %v %v", st.Mode(), err)
			}
			d := openDevice(t, 0)
			defer d.close()
			var api, schema version
			d.ask(24, uintptr(unsafe.Pointer(&api)))
			d.ask(25, uintptr(unsafe.Pointer(&schema)))
			if api != versions[0] || schema != versions[1] {
				t.Errorf("API %v, schema %v; want %v", api, schema, versions)
			}
			d.requests(edition)
			d.mappings()
			d.questions()
		})
	}
}

// requests are those that set something.
func (d device) requests(edition string) {
	const inval, notty = -int(unix.EINVAL), -int(unix.ENOTTY)
	d.want("snaplen", 4, 65000, 0)
	d.want("too long a snaplen", 4, 65001, inval)
	d.want("sampling", 3, 128, 0)
	d.want("sampling by 3", 3, 3, inval)
	d.want("sampling by 0", 3, 0, inval)
	d.want("sampling by 256", 3, 256, inval)
	d.want("no sampling", 2, 0, 0)
	d.want("dynamic snaplen", 9, 0, 0)
	d.want("no dynamic snaplen", 8, 0, 0)
	d.want("full capture", 22, 200<<16|100, 0)
	d.want("statsd", 23, 8125, 0)
	d.want("a syscall", 29, 511, 0)
	d.want("too high a syscall", 29, 512, inval)
	d.want("a syscall less", 30, 511, 0)
	d.want("a tracepoint", 31, 2, 0)
	d.want("a tracepoint that is not public", 31, 9, inval)
	d.want("a tracepoint less", 32, 2, 0)
	d.want("drop failed", 33, 0, 0)
	d.want("keep failed", 34, 0, 0)
	d.want("unknown", 99, 0, notty)
	d.want("unknown", 0xff, 0, notty)
	tracers, capture := notty, notty
	if edition != kmodtest.Current {
		tracers = 0
	}
	if edition == kmodtest.Legacy {
		capture = 0
	}
	d.want("tracers", 17, 0, tracers)
	d.want("capture off", 0, 0, capture)
	d.want("capture on", 1, 0, capture)
	d.want("no events", 5, 0, capture)
}

// mappings are what may be mapped: the buffer twice, to be read, and the ring's state.
func (d device) mappings() {
	const size = 8 << 20
	page := os.Getpagesize()
	try := func(what string, offset int64, length, prot int, ok bool) []byte {
		d.t.Helper()
		b, err := unix.Mmap(d.fd, offset, length, prot, unix.MAP_SHARED)
		if (err == nil) != ok {
			d.t.Errorf("%s: %v", what, err)
		}
		return b
	}
	const read, write = unix.PROT_READ, unix.PROT_READ | unix.PROT_WRITE
	data := try("the buffer", 0, 2*size, read, true)
	info := try("the state", 0, page, write, true)
	try("the buffer to be written", 0, 2*size, write, false)
	try("the buffer once", 0, size, read, false)
	try("two pages", 0, 2*page, read, false)
	try("another offset", int64(page), page, read, false)
	if data == nil || info == nil {
		return
	}
	if err := unix.Mprotect(data, write); err == nil {
		d.t.Error("the buffer can be made writable")
	}
	if string(data[:page]) != string(data[size:size+page]) {
		d.t.Error("the second mapping is not the first")
	}
	if binary.NativeEndian.Uint32(info) >= size {
		d.t.Errorf("head %d", binary.NativeEndian.Uint32(info))
	}
	unix.Munmap(data)
	unix.Munmap(info)
}

// questions are those with an answer.
func (d device) questions() {
	d.want("own thread", 12, 0, unix.Gettid())
	d.want("own process", 13, 0, os.Getpid())
	d.want("thread in its namespace", 10, uintptr(unix.Gettid()), unix.Gettid())
	d.want("process in its namespace", 11, uintptr(unix.Gettid()), os.Getpid())
	d.want("no such thread", 10, 1<<22, -int(unix.EINVAL))
	var text [64]byte
	d.want("version", 21, uintptr(unsafe.Pointer(&text)), 0)
	if text[0] == 0 || text[63] != 0 {
		d.t.Errorf("version %q", text)
	}
	hits := make([]int64, 64)
	d.want("tracepoints hit", 20, uintptr(unsafe.Pointer(&hits[0])), 0)
	type entry struct{ pid, utime, stime uint64 }
	var list struct {
		n, max  int64
		entries [1000]entry
	}
	d.want("no room for processes", 16, uintptr(unsafe.Pointer(&list)), -int(unix.ENOSPC))
	list.max = int64(len(list.entries))
	d.want("processes", 16, uintptr(unsafe.Pointer(&list)), 0)
	found := false
	for _, e := range list.entries[:min(max(list.n, 0), list.max)] {
		found = found || e.pid == uint64(os.Getpid())
	}
	if !found {
		d.t.Errorf("we are not among %d processes", list.n)
	}
	d.want("a list at a bad address", 16, 8, -int(unix.EFAULT))
	d.want("a version to a bad address", 24, 8, -int(unix.EFAULT))
	// Lists and strings that are not there leave what is not ours alone.
	runtime.KeepAlive(&text)
	runtime.KeepAlive(&list)
	runtime.KeepAlive(hits)
}

// TestConsumers: a thread is a reader, a device is for it once, and there is a limit.
func TestConsumers(t *testing.T) {
	needsModule(t, kmodtest.Current)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d := openDevice(t, 0)
	defer d.close()
	if _, err := unix.Open("/dev/scap0", unix.O_RDWR, 0); err != unix.EBUSY {
		t.Errorf("the same device again: %v, want EBUSY", err)
	}
	var others []*Driver
	defer func() {
		for _, o := range others {
			o.Close()
		}
	}()
	for range 4 { // max_consumers is 5
		o, err := Open(Config{Profile: layouts[0].in, Events: event.Set{}, Scope: Scope{Host: true}})
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, o)
	}
	if _, err := Open(Config{Profile: layouts[0].in, Scope: Scope{Host: true}}); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "max_consumers") {
		t.Errorf("one reader too many: %v", err)
	}
}
