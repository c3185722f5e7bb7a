package ptrace

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envLoop makes a test binary a tracee that makes the same calls for ever.
const envLoop = "LANNER_PTRACE_LOOP"

func loop() {
	if os.Getenv(envLoop) == "" {
		return
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		os.Exit(1)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		os.Exit(1)
	}
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		os.Exit(1)
	}
	to := unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	b := make([]byte, 100)
	for unix.Getppid() > 1 {
		unix.Write(null, b)
		unix.Read(null, b)
		unix.Sendto(fds[0], b, 0, nil)
		unix.Read(fds[1], b)
		unix.Sendto(udp, b, 0, &to)
		if fd, err := unix.Open("/dev/zero", unix.O_RDONLY, 0); err == nil {
			unix.Close(fd)
		}
		unix.Access("/none", 0)
	}
	os.Exit(0)
}

// TestNoAllocation: an event costs no allocation once the driver runs. A few are
// granted to what the Go runtime does meanwhile.
func TestNoAllocation(t *testing.T) {
	for name, in := range map[string]spec.Profile{"current": spec.Current, "v036": spec.V036} {
		t.Run(name, func(t *testing.T) {
			result := make(chan float64)
			var err error
			go func() {
				var n float64
				n, err = allocations(in)
				result <- n
			}()
			n := <-result
			if err != nil {
				t.Fatal(err)
			}
			if n > 5 {
				t.Errorf("%v allocations for %d events", n, someEvents)
			}
		})
	}
}

const someEvents = 4000

// allocations counts those of reading someEvents.
func allocations(in spec.Profile) (n float64, err error) {
	set, err := event.ParseSet("read,write,openat,close,access,faccessat,sendto,getppid", in)
	if err != nil {
		return 0, err
	}
	d, err := New(Config{Profile: in, Events: set, Snaplen: 80})
	if err != nil {
		return 0, err
	}
	var pid int
	if err := d.Start("/proc/self/exe", []string{"loop"}, []string{envLoop + "=1"}, func(p int) error { pid = p; return nil }); err != nil {
		return 0, err
	}
	var ev event.Event
	read := func() {
		for range someEvents {
			if e := d.ReadInto(&ev); e != nil {
				err = e
				return
			}
		}
	}
	n = testing.AllocsPerRun(1, read)
	unix.Kill(pid, unix.SIGKILL)
	for d.ReadInto(&ev) == nil {
	}
	return n, err
}
