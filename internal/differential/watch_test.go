package differential

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/ptrace"
)

// A post is a probe that is loaded once, for all runs of one configuration.
type post struct {
	probe *bpf.Driver
	by    *eventtest.Bystander
}

var posts = make(map[eventtest.Config]*post)

func postFor(cfg eventtest.Config) (*post, error) {
	if p := posts[cfg]; p != nil {
		return p, nil
	}
	by, err := eventtest.NewBystander()
	if err != nil {
		return nil, err
	}
	probe, err := bpf.Open(bpf.Config{
		Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen, BufferBytes: 64 << 20,
		Scope: bpf.Scope{PIDs: []int{by.PID()}},
	})
	if err != nil {
		by.Close()
		return nil, err
	}
	posts[cfg] = &post{probe, by}
	return posts[cfg], nil
}

func (p *post) close() {
	p.probe.Close()
	p.by.Close()
}

// patience is how long a run may take before it is killed.
const patience = time.Minute

// watch runs a command with both drivers looking at it.
func watch(cfg eventtest.Config, path string, argv, env []string) (byPtrace, byProbe *Log, err error) {
	p, err := postFor(cfg)
	if err != nil {
		return nil, nil, err
	}
	result := make(chan error, 1)
	byPtrace, byProbe = &Log{Driver: Ptrace}, &Log{Driver: ModernBPF}
	// The ptrace driver keeps the thread of its goroutine for good.
	go func() { result <- p.follow(cfg, path, argv, env, byPtrace, byProbe) }()
	return byPtrace, byProbe, <-result
}

func (p *post) follow(cfg eventtest.Config, path string, argv, env []string, byPtrace, byProbe *Log) error {
	tracer, err := ptrace.New(ptrace.Config{Profile: cfg.Profile, Events: cfg.Events, Snaplen: cfg.Snaplen})
	if err != nil {
		return err
	}
	pid := 0
	var added error
	err = tracer.Start(path, argv, env, func(n int) {
		pid = n
		added = p.probe.Add(n, true)
	})
	if err != nil {
		return err
	}
	if added != nil {
		unix.Kill(pid, unix.SIGKILL)
		return added
	}
	end := p.by.Next()
	read := make(chan error, 1)
	go func() { read <- p.drain(byProbe) }()
	late := time.AfterFunc(patience, func() { unix.Kill(pid, unix.SIGKILL) })
	defer late.Stop()
	err = drain(tracer, byPtrace)
	if err == nil {
		err = tracer.StartResult()
	}
	end() // the tracer has seen all processes end
	return errors.Join(err, <-read)
}

// drain reads the tracer to its end.
func drain(src event.Source, l *Log) error {
	var ev event.Event
	for {
		err := src.ReadInto(&ev)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		l.Add(&ev)
	}
}

// drain reads the probe to the end of a run.
func (p *post) drain(l *Log) error {
	dropped := p.probe.Stats().Total.Drops()
	var ev event.Event
	for {
		if err := p.probe.ReadInto(&ev); err != nil {
			return err
		}
		own, ends := p.by.Owns(&ev)
		if ends {
			break
		}
		if !own {
			l.Add(&ev)
		}
	}
	if n := p.probe.Stats().Total.Drops() - dropped; n > 0 {
		return fmt.Errorf("the probe dropped %d events", n)
	}
	return nil
}
