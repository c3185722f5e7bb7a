package kmod

import "runtime"

// A control is the thread by which the module knows a reader: it opens all devices, and
// what is asked of them has to come from it (upstream's module refuses others).
type control struct {
	calls chan func()
}

func newControl() *control {
	c := &control{calls: make(chan func())}
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		for f := range c.calls {
			f()
		}
	}()
	return c
}

// do runs a function on the thread.
func (c *control) do(f func() error) error {
	result := make(chan error, 1)
	c.calls <- func() { result <- f() }
	return <-result
}

func (c *control) close() { close(c.calls) }
