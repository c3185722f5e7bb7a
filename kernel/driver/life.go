package driver

import (
	"sync"
	"sync/atomic"
)

// A Life is how far a driver has come: it is at work, was stopped, was closed. What Close
// gives back is used by ReadInto under Reading, and by all other methods under Using.
type Life struct {
	Reading sync.Mutex
	Ended   bool // guarded by Reading: there is nothing left to read

	stopped atomic.Bool

	Using  sync.RWMutex // guards what follows, too
	Closed bool
	Last   Stats // when it was closed
}

// Stop notes that no event is to be made any more. It returns false if that is no news.
func (l *Life) Stop() (first bool) { return !l.stopped.Swap(true) }

// Stopped reports whether Stop was called.
func (l *Life) Stopped() bool { return l.stopped.Load() }

// Close is a driver's Close: it stops the driver, waits for who uses it, and has it give
// back, once, what it holds.
func (l *Life) Close(d Driver, release func()) {
	d.Stop()
	last := d.Stats()
	l.Reading.Lock()
	defer l.Reading.Unlock()
	l.Ended = true
	l.Using.Lock()
	defer l.Using.Unlock()
	if l.Closed {
		return
	}
	l.Closed, l.Last = true, last
	release()
}
