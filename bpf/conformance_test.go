package bpf

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// limits are what the probe leaves of long things: STRING_MAX, IOV_MAX, POLL_MAX,
// MMSG_MAX and STRINGS_MAX of modern/.
var limits = eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096}

// TestConformance runs the suite on the modern probe.
func TestConformance(t *testing.T) {
	conformance(t, "modern-bpf", limits, skipChildren, func(cfg Config) (watcher, error) { return Open(cfg) })
}

// A watcher is a probe of either kind.
type watcher interface {
	driver.Driver
	treeSize() int64
}

func (d *Driver) treeSize() int64 { return atomic.LoadInt64(&d.tree().Size) }

// conformance runs the suite on a probe, which is loaded once for each edition and
// snaplen.
func conformance(t *testing.T, name string, limits eventtest.Limits, skip func(*eventtest.Case, spec.Profile) string, open func(Config) (watcher, error)) {
	posts := make(map[eventtest.Config]*post)
	defer func() {
		for _, p := range posts {
			p.close()
		}
	}()
	eventtest.Run(t, eventtest.Driver{
		Name: name, Limits: limits, AtSign: true,
		Skip: skip,
		// The contract's drivers know no calls of the x32 ABI.
		Only: func(c *eventtest.Case) bool { return c.ABI != "x32" },
		Trace: func(cfg eventtest.Config, path string, argv, env []string, each func(*event.Event)) error {
			p := posts[cfg]
			if p == nil {
				var err error
				if p, err = newPost(cfg, open); err != nil {
					return err
				}
				posts[cfg] = p
			}
			return p.watch(path, argv, env, each)
		},
	})
}

// skipChildren: on arm64 a new task does not come by sys_exit, so that its event is made when
// the task is, as clone whatever the call was, and with the flags that show in the task.
func skipChildren(c *eventtest.Case, _ spec.Profile) string {
	if machine == spec.Arm64 && slices.Contains(childCases, c.Name) {
		return "on arm64 the call and all its flags are not known of a new task"
	}
	return ""
}

var childCases = []string{"fork", "fork/pidns", "threads"}

// A post is a probe that watches one command after the other.
type post struct {
	d  watcher
	by *eventtest.Bystander
}

func newPost(cfg eventtest.Config, open func(Config) (watcher, error)) (*post, error) {
	by, err := eventtest.NewBystander()
	if err != nil {
		return nil, err
	}
	d, err := open(Config{
		Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen, Scope: Scope{PIDs: []int{by.PID()}},
	})
	if err != nil {
		by.Close()
		return nil, err
	}
	return &post{d, by}, nil
}

func (p *post) close() {
	p.d.Close()
	p.by.Close()
}

// watch runs a command and hands over the events of its tree.
func (p *post) watch(path string, argv, env []string, each func(*event.Event)) error {
	cmd, start, err := prepared(path, argv, env)
	if err != nil {
		return err
	}
	defer cmd.Wait()
	defer start.Close()
	if err := p.d.Add(cmd.Process.Pid, true); err != nil {
		return err
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	start.Close()
	end := p.by.Next()
	go func() {
		for p.d.treeSize() > 1 {
			time.Sleep(time.Millisecond)
		}
		end()
	}()
	var ev event.Event
	for {
		if err := p.d.ReadInto(&ev); err != nil {
			return err
		}
		own, ends := p.by.Owns(&ev)
		if ends {
			break
		}
		if !own && ev.Flags&event.StateOnly == 0 {
			each(&ev)
		}
	}
	if n := p.d.Stats().Total.Drops(); n > 0 {
		return fmt.Errorf("%d events were dropped", n)
	}
	return nil
}
