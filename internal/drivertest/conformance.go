package drivertest

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Watcher is a driver that says how many processes it watches; tests let it.
type Watcher interface {
	driver.Driver
	TreeSize() int64
}

// Conformance runs the suite on a driver, which is opened once for each edition and
// snaplen. Those of one edition are closed before one of the other is opened.
func Conformance[D Watcher](t *testing.T, suite eventtest.Driver, open func(driver.Config) (D, error)) {
	posts := make(map[eventtest.Config]*Post[D])
	closeAll := func() {
		for cfg, p := range posts {
			p.Close()
			delete(posts, cfg)
		}
	}
	defer closeAll()
	var now spec.Profile
	suite.AtSign = true
	// The contract's drivers know no calls of the x32 ABI.
	suite.Only = func(c *eventtest.Case) bool { return c.ABI != "x32" }
	suite.Trace = func(cfg eventtest.Config, path string, argv, env []string, each func(*event.Event)) error {
		if cfg.Profile != now {
			closeAll()
			now = cfg.Profile
		}
		p := posts[cfg]
		if p == nil {
			var err error
			if p, err = NewPost(open, driver.Config{Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen}); err != nil {
				return err
			}
			posts[cfg] = p
		}
		return watch(p, &exec.Cmd{Path: path, Args: argv, Env: env}, each)
	}
	eventtest.Run(t, suite)
}

// watch runs a command and hands over the events of its tree.
func watch[D Watcher](p *Post[D], cmd *exec.Cmd, each func(*event.Event)) error {
	h, err := hold(cmd)
	if err != nil {
		return err
	}
	defer h.wait()
	if err := p.Driver.Add(h.Process.Pid, true); err != nil {
		return err
	}
	h.letGo()
	end := p.Next()
	go func() {
		for p.Driver.TreeSize() > 1 {
			time.Sleep(time.Millisecond)
		}
		end()
	}()
	err = p.Drain(func(ev *event.Event) {
		if ev.Flags&event.StateOnly == 0 {
			each(ev)
		}
	})
	if err != nil {
		return err
	}
	if n := p.Driver.Stats().Total.Drops(); n > 0 {
		return fmt.Errorf("%d events were dropped", n)
	}
	return nil
}

// childCases look at what new tasks tell of themselves.
var childCases = []string{"fork", "fork/pidns", "threads"}

// SkipChildren is the Skip of the kernel's drivers: on arm64 a new task does not come by
// sys_exit, so that its event is made when the task is, as clone whatever the call was, and
// with the flags that show in the task. That is the contract's.
func SkipChildren(c *eventtest.Case, _ spec.Profile) string {
	if runtime.GOARCH == "arm64" && slices.Contains(childCases, c.Name) {
		return "on arm64 the call and all its flags are not known of a new task"
	}
	return ""
}

// SkipsChildren reports whether it is by SkipChildren that a test of the suite is skipped
// on a machine: the name is that of the test, the edition and the case.
func SkipsChildren(arch, test string) bool {
	_, test, _ = strings.Cut(test, "/")
	_, name, _ := strings.Cut(test, "/")
	return arch == "arm64" && slices.Contains(childCases, name)
}
