package drivertest

import (
	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// A Post is a driver that watches one command after the other: it is slow to start.
type Post[D driver.Driver] struct {
	Driver D
	by     *eventtest.Bystander
}

// NewPost starts a driver. Its scope is the post's.
func NewPost[D driver.Driver](open func(driver.Config) (D, error), cfg driver.Config) (*Post[D], error) {
	by, err := eventtest.NewBystander()
	if err != nil {
		return nil, err
	}
	cfg.Scope = driver.Scope{PIDs: []int{by.PID()}}
	d, err := open(cfg)
	if err != nil {
		by.Close()
		return nil, err
	}
	return &Post[D]{d, by}, nil
}

// Close ends the driver.
func (p *Post[D]) Close() {
	p.Driver.Close()
	p.by.Close()
}

// Next begins a run; it returns what is to be called when all that was added has ended.
func (p *Post[D]) Next() (end func() error) { return p.by.Next() }

// Drain hands over the events of a run.
func (p *Post[D]) Drain(each func(*event.Event)) error {
	var ev event.Event
	for {
		if err := p.Driver.ReadInto(&ev); err != nil {
			return err
		}
		own, ends := p.by.Owns(&ev)
		if ends {
			return nil
		}
		if !own {
			each(&ev)
		}
	}
}
