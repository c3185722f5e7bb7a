package drivertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// Patience is how long a command may take before it is killed.
const Patience = 30 * time.Second

// Trace runs a command and hands over the events of its tree, from its execve on. It
// returns the driver's counters.
func Trace[D driver.Driver](t testing.TB, open func(driver.Config) (D, error), cfg driver.Config, cmd *exec.Cmd, each func(*event.Event)) driver.Stats {
	t.Helper()
	h, err := hold(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer h.wait()
	cfg.Scope.Armed = append(cfg.Scope.Armed, h.Process.Pid)
	d, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	h.letGo()
	if err := Drain(d, each); err != nil {
		t.Fatal(err)
	}
	if !h.late.Stop() {
		t.Errorf("%v was killed after %v", cmd, Patience)
	}
	return d.Stats()
}

// Drain reads until there is nothing left.
func Drain(d event.Source, each func(*event.Event)) error {
	var ev event.Event
	for {
		err := d.ReadInto(&ev)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		each(&ev)
	}
}

// envHeld makes this program one that waits until it is watched and then executes its
// arguments: the first is the path, the others are argv.
const envHeld = "LANNER_DRIVERTEST_HELD"

// Main becomes a command that is held, if this process is to be one, and returns otherwise.
// TestMain calls it before it does anything else: what it becomes may be a case.
func Main() {
	if os.Getenv(envHeld) == "" {
		return
	}
	os.Unsetenv(envHeld)
	var b [1]byte
	os.Stdin.Read(b[:])
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		unix.Dup3(int(null.Fd()), 0, 0)
		err = unix.Exec(os.Args[1], os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "drivertest:", err)
	os.Exit(127)
}

// A held process becomes a command when it is let go.
type held struct {
	*exec.Cmd
	rope io.Closer
	late *time.Timer
}

// hold starts a process that is to become a command.
func hold(cmd *exec.Cmd) (*held, error) {
	self, err := os.Executable()
	if err = errors.Join(err, cmd.Err); err != nil {
		return nil, err
	}
	h := &held{Cmd: exec.Command(self, append([]string{cmd.Path}, cmd.Args...)...)}
	h.Env = append(cmd.Environ(), envHeld+"=1")
	h.Stderr = os.Stderr
	if h.rope, err = h.StdinPipe(); err != nil {
		return nil, err
	}
	return h, h.Start()
}

func (h *held) letGo() {
	h.late = time.AfterFunc(Patience, func() { h.Process.Kill() })
	h.rope.Close()
}

// wait waits for its end, whether it was let go or not.
func (h *held) wait() {
	h.rope.Close()
	h.Wait()
	if h.late != nil {
		h.late.Stop()
	}
}
