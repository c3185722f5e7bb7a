package kmod

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// limits are what the module leaves of long things: STRING_MAX, UIO_MAXIOV, POLL_MAX
// and ARGS_MAX of module/.
var limits = eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096}

// armCases look at what new tasks tell of themselves, which on arm64 is little: they do
// not return through sys_exit there. That is the contract's, see on_fork of module/.
const armCases = " fork fork/pidns threads "

// TestConformance runs the suite on the module. It is opened once for each edition and
// snaplen.
func TestConformance(t *testing.T) {
	needsModule(t, kmodtest.Current)
	now := kmodtest.Current
	posts := make(map[eventtest.Config]*post)
	closeAll := func() {
		for cfg, p := range posts {
			p.close()
			delete(posts, cfg)
		}
	}
	defer closeAll()
	eventtest.Run(t, eventtest.Driver{
		Name: "kmod", Limits: limits, AtSign: true,
		// The contract's drivers know no calls of the x32 ABI.
		Only: func(c *eventtest.Case) bool { return c.ABI != "x32" },
		Skip: func(c *eventtest.Case, _ spec.Profile) string {
			if runtime.GOARCH == "arm64" && strings.Contains(armCases, " "+c.Name+" ") {
				return "a new task is told of when it is made, always as clone and with few flags"
			}
			return ""
		},
		Trace: func(cfg eventtest.Config, path string, argv, env []string, each func(*event.Event)) error {
			if e := edition(cfg.Profile); e != now {
				closeAll()
				if err := kmodtest.Load(e); err != nil {
					return err
				}
				now = e
			}
			p := posts[cfg]
			if p == nil {
				var err error
				if p, err = newPost(cfg); err != nil {
					return err
				}
				posts[cfg] = p
			}
			return p.watch(path, argv, env, each)
		},
	})
}

// A post is a reader that watches one command after the other.
type post struct {
	d  *Driver
	by *eventtest.Bystander
}

func newPost(cfg eventtest.Config) (*post, error) {
	by, err := eventtest.NewBystander()
	if err != nil {
		return nil, err
	}
	d, err := Open(Config{
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
		for {
			if size, _, err := p.d.tree(); err != nil || size <= 1 {
				break
			}
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
