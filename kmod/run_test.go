package kmod

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	becomeReader()
	launch() // first: what it becomes may be a case
	eventtest.Main()
	code := m.Run()
	eventtest.Clean()
	os.Exit(code)
}

func edition(in spec.Profile) string {
	if in == spec.V036 {
		return kmodtest.V036
	}
	return kmodtest.Current
}

// needsModule loads the module of an edition. Such tests run in virtual machines, see
// TestKernels.
func needsModule(t testing.TB, edition string) {
	t.Helper()
	if !kmodtest.Here() {
		t.Skip("loads modules: for the virtual machines of TestKernels")
	}
	if err := kmodtest.Load(edition); err != nil {
		t.Fatal(err)
	}
}

// envLaunch makes this program one that waits until it is watched and then executes
// its arguments: the first is the path, the others are argv.
const envLaunch = "LANNER_KMOD_LAUNCH"

func launch() {
	if os.Getenv(envLaunch) == "" {
		return
	}
	os.Unsetenv(envLaunch)
	var b [1]byte
	os.Stdin.Read(b[:])
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		unix.Dup3(int(null.Fd()), 0, 0)
		err = unix.Exec(os.Args[1], os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "launch:", err)
	os.Exit(127)
}

// patience is how long a command may take before it is killed.
const patience = 30 * time.Second

// prepared starts a process that becomes a command when start is closed.
func prepared(path string, argv, env []string) (cmd *exec.Cmd, start io.Closer, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(self, append([]string{path}, argv...)...)
	cmd.Env = append(env, envLaunch+"=1")
	cmd.Stderr = os.Stderr
	if start, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	return cmd, start, cmd.Start()
}

// trace runs a command and hands over the events of its tree.
func trace(cfg Config, path string, argv, env []string, each func(*event.Event)) (*Driver, error) {
	cmd, start, err := prepared(path, argv, env)
	if err != nil {
		return nil, err
	}
	defer cmd.Wait()
	defer start.Close()
	cfg.Scope.Armed = append(cfg.Scope.Armed, cmd.Process.Pid)
	d, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	start.Close()
	return d, drain(d, each)
}

// drain reads until there is nothing left.
func drain(d *Driver, each func(*event.Event)) error {
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

func set(t testing.TB, expr string, in spec.Profile) event.Set {
	t.Helper()
	s, err := event.ParseSet(expr, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// param returns a parameter by its name.
func param(t *testing.T, ev *event.Event, name string) []byte {
	t.Helper()
	for i, p := range ev.Type().Row().Params {
		if p.Name == name {
			return ev.Param(i)
		}
	}
	t.Fatalf("%s has no parameter %s", ev.Type(), name)
	return nil
}

// text is a parameter without its NUL.
func text(t *testing.T, ev *event.Event, name string) string {
	return strings.TrimSuffix(string(param(t, ev, name)), "\x00")
}
