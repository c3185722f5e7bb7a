package drivertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// Full lets buffers run over, which are to be small: what is lost is counted, by kind and by
// CPU, and nothing else is lost. Events are all.
func Full[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config) {
	t.Helper()
	cfg.Scope.Host = true
	d, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt 50 ]; do cat /proc/version; i=$((i+1)); done").Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	var read uint64
	if err := Drain(d, func(*event.Event) { read++ }); err != nil {
		t.Fatal(err)
	}
	s := d.Stats()
	if s.Total.NoRoom == 0 || read == 0 {
		t.Fatalf("%d events lost, %d read", s.Total.NoRoom, read)
	}
	if s.Total.Events != read+s.Total.Drops() {
		t.Errorf("%d events made, %d read, %d lost", s.Total.Events, read, s.Total.Drops())
	}
	var kinds, perCPU uint64
	for i, n := range s.Total.ByCategory {
		kinds += n
		if strings.HasPrefix(driver.Categories[i], "close") && n == 0 {
			t.Errorf("no lost %s", driver.Categories[i])
		}
	}
	if kinds > s.Total.NoRoom {
		t.Errorf("%d events lost, %d by kind", s.Total.NoRoom, kinds)
	}
	for _, c := range s.CPUs {
		perCPU += c.Drops()
	}
	if perCPU != s.Total.Drops() {
		t.Errorf("%d events lost, %d by CPU", s.Total.Drops(), perCPU)
	}
}

// Wrap lets events run over the end of a buffer, many times: they come in one piece, and none
// is lost while there is room. Events are those of write.
func Wrap[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config) {
	t.Helper()
	cfg.BufferBytes = 16 * os.Getpagesize()
	cfg.Snaplen = 1000
	// Half a buffer at a time, and no more before it was read, however slow the machine is.
	const size, atATime, times = 700, 40, 50
	more := filepath.Join(t.TempDir(), "more")
	if err := unix.Mkfifo(more, 0o600); err != nil {
		t.Fatal(err)
	}
	ask, err := os.OpenFile(more, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ask.Close()
	fmt.Fprintln(ask)
	n := 0
	script := fmt.Sprintf("while read -r more; do /bin/dd if=/dev/zero of=/dev/null bs=%d count=%d status=none; done <%s", size, atATime, more)
	s := Trace(t, open, cfg, exec.Command("sh", "-c", script), func(ev *event.Event) {
		if ev.Type() != event.WriteX {
			return
		}
		n++
		if data := Param(t, ev, "data"); len(data) != size || strings.Trim(string(data), "\x00") != "" {
			t.Fatalf("event %d has other data: %d bytes", n, len(data))
		}
		switch {
		case n == atATime*times:
			ask.Close()
		case n%atATime == 0:
			fmt.Fprintln(ask)
		}
	})
	if n != atATime*times || s.Total.Drops() != 0 {
		t.Errorf("%d events, want %d; lost: %+v", n, atATime*times, s.Total)
	}
}

// Alloc looks at what reading costs the collector, or the reader would fall behind when most
// is to be read: at most so many allocations in the two events of each of many thousand
// calls. Events are all.
func Alloc[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config, calls int, most uint64) {
	t.Helper()
	const warm = 1000
	var before, after runtime.MemStats
	n := 0
	Trace(t, open, cfg, exec.Command("dd", "if=/dev/zero", "of=/dev/null", "bs=1", fmt.Sprintf("count=%d", calls), "status=none"), func(*event.Event) {
		switch n++; n {
		case warm:
			runtime.ReadMemStats(&before)
		case 2 * calls:
			runtime.ReadMemStats(&after)
		}
	})
	if n < 2*calls {
		t.Fatalf("%d events of %d calls", n, 2*calls)
	}
	if allocs := after.Mallocs - before.Mallocs; allocs > most {
		t.Errorf("%d allocations in %d events", allocs, 2*calls-warm)
	}
}
