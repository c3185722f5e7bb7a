package drivertest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// Program looks at what a real program does. Events are all.
func Program[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("some text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	var first event.Type
	var opened, read, started, ended bool
	begin := uint64(time.Now().UnixNano())
	cmd := exec.Command("dd", "if="+name, "status=none")
	cmd.Env = []string{"A=1"}
	s := Trace(t, open, cfg, cmd, func(ev *event.Event) {
		if ev.Flags&event.StateOnly != 0 {
			return
		}
		if first == 0 {
			first = ev.Type()
		}
		if ev.TS() < begin || ev.TS() > uint64(time.Now().UnixNano()) {
			t.Errorf("%s at %d, not between %d and now", ev.Type(), ev.TS(), begin)
		}
		switch ev.Type() {
		case event.ExecveX:
			started = true
			if exe, args, env := Text(t, ev, "exe"), Text(t, ev, "args"), Text(t, ev, "env"); exe != "dd" || args != "if="+name+"\x00status=none" || env != "A=1" {
				t.Errorf("started %q %q with %q", exe, args, env)
			}
		case event.OpenX, event.OpenatX:
			if Text(t, ev, "name") == name {
				opened = true
				if ino := Number(t, ev, "ino"); ino != int64(st.Ino) {
					t.Errorf("inode number %d, want %d", ino, st.Ino)
				}
			}
		case event.ReadX:
			read = read || string(Param(t, ev, "data")) == "some text\n"
		case event.ProcExitE:
			ended = true
		}
	})
	if first != event.ExecveX {
		t.Errorf("the first event is %s, want execve: the process was armed", first)
	}
	for what, seen := range map[string]bool{"start": started, "open": opened, "read": read, "end": ended} {
		if !seen {
			t.Errorf("no %s", what)
		}
	}
	if s.Total.Drops() != 0 || s.Total.Events == 0 {
		t.Errorf("counters %+v", s.Total)
	}
}

// Gone: a process that has ended can't be watched, nor can we. Errors name the driver's
// package, once.
func Gone[D driver.Driver](t *testing.T, open func(driver.Config) (D, error), cfg driver.Config, pkg string) {
	t.Helper()
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{cmd.Process.Pid, os.Getpid()} {
		cfg.Scope.PIDs = []int{pid}
		d, err := open(cfg)
		if err == nil {
			d.Close()
			t.Fatalf("process %d is watched", pid)
		}
		if pid != os.Getpid() && !errors.Is(err, unix.ESRCH) || strings.Count(err.Error(), pkg+": ") != 1 {
			t.Errorf("error %v", err)
		}
	}
}

// Close closes a driver that is being read: the reader comes back, and that is all that can
// be had of it.
func Close(t *testing.T, d driver.Driver) {
	t.Helper()
	result := make(chan error)
	go func() { result <- Drain(d, func(*event.Event) {}) }()
	time.Sleep(10 * time.Millisecond)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	var ev event.Event
	if err := d.ReadInto(&ev); !errors.Is(err, io.EOF) {
		t.Errorf("ReadInto after Close: %v", err)
	}
	d.Stats()
	if err := d.Add(1, false); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Add after Close: %v", err)
	}
}
