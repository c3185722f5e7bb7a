// Package driver is what the kernel's drivers have in common: what they are told,
// what they count, and how they are used.
//
// In a nutshell: each driver (packages bpf and kmod) takes a Config and is a Driver;
// package kernel chooses among them. Drivers know nothing of each other. Whom they watch
// is a Scope (scope.go); who may use them while they end is in a Life (life.go); a Merger
// reads their buffers, of which there are several (merge.go).
package driver

import (
	"errors"
	"fmt"
	"math/bits"
	"os"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Driver is one that is at work. It is read by one goroutine at a time; the other
// methods may be called from any.
type Driver interface {
	// ReadInto stores the next event; it waits for one. io.EOF means that there will
	// be none: the last process of the tree has ended, or Stop or Close was called
	// and everything was read. The event is valid until the next call, or Close.
	event.Source

	// Add puts a process into the tree that is watched; armed: its events, and those
	// of its children, start with its next execve. The error wraps unix.ESRCH if the
	// process has ended.
	Add(pid int, armed bool) error

	// Stop ends tracing; ReadInto returns what is left, then io.EOF.
	Stop()

	// Close ends tracing and gives everything back. It waits for a ReadInto under way.
	Close() error

	// Stats reads the counters.
	Stats() Stats
}

// A Namer is a driver whose events have the ids of the initial PID namespace and that
// can be used in another one: pids that it is given are those of the reader's.
type Namer interface {
	// IDs returns the ids of the threads of the reader's PID namespace; nil if that is
	// the initial one.
	IDs() ([]IDs, error)
}

// IDs are what a thread is called: the layout is that of struct thread_ids in the
// probe.
type IDs struct {
	Own       uint32 // the thread's id in the reader's PID namespace; all others are initial ids
	TID, PID  uint32
	PPID      uint32 // of the parent
	PGID, SID uint32
}

// Config says what to trace. The zero value is not useful.
type Config struct {
	Profile        spec.Profile // one of spec.V036 and spec.Current
	Events         event.Set    // what is reported
	Snaplen        int          // bytes of I/O data kept, at most event.MaxParamLen
	DynamicSnaplen bool         // keep more of protocols that are known
	DropFailed     bool         // leave out exit events of calls that failed
	SamplingRatio  int          // keep most events in 1/n of each second only; 0 and 1: all
	FullCapture    [2]uint16    // with DynamicSnaplen: first and last port whose data is kept to 16000 bytes; zeros: none
	StatsdPort     uint16       // with DynamicSnaplen: its data is kept to 2000 bytes; 0: 8125
	Scope          Scope
	BufferBytes    int               // of each ring buffer: a power of two, in pages; 0: 8 MiB
	CPUsPerBuffer  int               // how many CPUs share a buffer; 0: all
	Notice         func(line string) // told what a user should know; may be nil
}

const (
	defaultBuffer = 8 << 20 // bytes; preset 4 of Falco
	defaultStatsd = 8125
)

// Check completes a configuration, or says what is wrong with it.
func (c *Config) Check() error {
	switch {
	case c.Profile != spec.V036 && c.Profile != spec.Current:
		return errors.New("no profile chosen")
	case c.Snaplen < 0 || c.Snaplen > event.MaxParamLen:
		return fmt.Errorf("snaplen %d is not between 0 and %d", c.Snaplen, event.MaxParamLen)
	case c.SamplingRatio < 0 || c.SamplingRatio > 128 || bits.OnesCount(uint(c.SamplingRatio)) > 1:
		return fmt.Errorf("sampling ratio %d is not a power of two up to 128", c.SamplingRatio)
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = defaultBuffer
	}
	if c.BufferBytes < os.Getpagesize() || c.BufferBytes > 1<<30 || bits.OnesCount(uint(c.BufferBytes)) != 1 {
		return fmt.Errorf("buffer of %d bytes is not a power of two between a page and 1 GiB", c.BufferBytes)
	}
	if c.SamplingRatio == 0 {
		c.SamplingRatio = 1
	}
	if c.StatsdPort == 0 {
		c.StatsdPort = defaultStatsd
	}
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	return nil
}
