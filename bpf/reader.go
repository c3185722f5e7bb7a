package bpf

import (
	"fmt"
	"io"
	"sync"

	"github.com/cilium/ebpf/link"

	"github.com/lannerhq/lanner/kernel/driver"
)

// A reader is what the halves that read probes of either kind have alike.
type reader struct {
	cfg    Config
	sel    *selection
	numCPU int // possible CPUs

	links
	sleeper
	life   driver.Life
	merger driver.Merger
}

// A half is what waiting takes of a probe of one kind.
type half interface {
	wait(over bool) error // until there may be something to read, or programs that run have ended
	treeSize() int64
}

// next returns a record, and waits for one. It is called under life.Reading.
func (r *reader) next(h half) (record []byte, from driver.Buffer, err error) {
	for !r.life.Ended {
		if record, from = r.merger.Next(); record != nil {
			r.awake()
			return record, from, nil
		}
		// No event will be sent any more, but for those of programs that are running right now.
		over := r.life.Stopped() || r.cfg.Scope.IsTree() && h.treeSize() <= 0
		if err := h.wait(over); err != nil {
			return nil, nil, fmt.Errorf("bpf: %w", err)
		}
		if over && !r.merger.Look() {
			r.life.Ended = true
		}
	}
	return nil, nil, io.EOF
}

// Stop ends tracing; ReadInto returns what is left, then io.EOF. It may be called
// from any goroutine, and more than once.
func (r *reader) Stop() {
	if !r.life.Stop() {
		return
	}
	r.detach()
	r.life.Using.RLock()
	defer r.life.Using.RUnlock()
	if !r.life.Closed {
		r.interrupt()
	}
}

// release gives back what both kinds take.
func (r *reader) release() {
	r.merger.Close()
	r.sleeper.close()
}

// links are what keeps programs on their tracepoints.
type links struct {
	mu   sync.Mutex
	list []link.Link
}

func (l *links) keep(one link.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, one)
}

// detach takes the programs from their tracepoints, the last one first.
func (l *links) detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0; i-- {
		l.list[i].Close()
	}
	l.list = nil
}
