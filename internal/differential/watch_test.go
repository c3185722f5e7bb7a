package differential

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/probetest"
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kmod"
	"github.com/lannerhq/lanner/ptrace"
)

// A post is a kernel driver that is started once, for all runs of one configuration.
type post struct {
	name string
	*drivertest.Post[driver.Driver]
}

// A station is which driver a post is of, and how it is set up.
type station struct {
	name string
	cfg  eventtest.Config
}

var posts = make(map[station]*post)

func postFor(name string, cfg eventtest.Config) (*post, error) {
	at := station{name, cfg}
	if p := posts[at]; p != nil {
		return p, nil
	}
	p, err := drivertest.NewPost(func(cfg driver.Config) (driver.Driver, error) { return open(name, cfg) }, driver.Config{
		Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen, BufferBytes: bufferBytes,
	})
	if err != nil {
		return nil, err
	}
	posts[at] = &post{name, p}
	return posts[at], nil
}

// bufferBytes is the size of each buffer: twice as large as what a run fills.
var bufferBytes = 64 << 20

func open(name string, cfg driver.Config) (driver.Driver, error) {
	switch name {
	case ModernBPF:
		return bpf.Open(cfg)
	case ClassicBPF:
		return bpf.OpenClassic(cfg, probetest.In(probetest.Dir(), cfg.Profile))
	}
	return kmod.Open(cfg)
}

// patience is how long a run may take before it is killed.
const patience = time.Minute

// watch runs a command with ptrace and kernel drivers looking at it, and returns what
// each of them saw, ptrace first.
func watch(cfg eventtest.Config, path string, argv, env []string, names ...string) (logs []*Log, err error) {
	logs = []*Log{{Driver: Ptrace}}
	var list []*post
	for _, name := range names {
		p, err := postFor(name, cfg)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
		logs = append(logs, &Log{Driver: name})
	}
	result := make(chan error, 1)
	// The ptrace driver keeps the thread of its goroutine for good.
	go func() { result <- follow(list, cfg, path, argv, env, logs) }()
	return logs, <-result
}

func follow(list []*post, cfg eventtest.Config, path string, argv, env []string, logs []*Log) error {
	tracer, err := ptrace.New(ptrace.Config{Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen})
	if err != nil {
		return err
	}
	pid := 0
	err = tracer.Start(path, argv, env, func(n int) (added error) {
		pid = n
		for _, p := range list {
			added = errors.Join(added, p.Driver.Add(n, true))
		}
		return added
	})
	if err != nil {
		return err
	}
	read := make(chan error, len(list))
	var ends []func() error
	for i, p := range list {
		ends = append(ends, p.Next())
		go func() { read <- p.read(logs[i+1]) }()
	}
	late := time.AfterFunc(patience, func() { unix.Kill(pid, unix.SIGKILL) })
	defer late.Stop()
	err = drivertest.Drain(tracer, logs[0].Add)
	if err == nil {
		err = tracer.StartResult()
	}
	for _, end := range ends {
		end() // the tracer has seen all processes end
	}
	for range list {
		err = errors.Join(err, <-read)
	}
	return err
}

// read reads a kernel driver to the end of a run.
func (p *post) read(l *Log) error {
	dropped := p.Driver.Stats().Total.Drops()
	if err := p.Drain(l.Add); err != nil {
		return err
	}
	if n := p.Driver.Stats().Total.Drops() - dropped; n > 0 {
		return fmt.Errorf("%s dropped %d events", p.name, n)
	}
	return nil
}
