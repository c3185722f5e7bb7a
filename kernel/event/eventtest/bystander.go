package eventtest

import (
	"io"
	"os/exec"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
)

// A Bystander is a process that is watched besides those of cases, for drivers that
// are slow to start and so are started once for many cases: what they watch never
// ends, and an event of the bystander says that all events before it were read.
type Bystander struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	mark int64 // bytes that it is to read next
}

// NewBystander starts one; it ends with Close, or with this process.
func NewBystander() (*Bystander, error) {
	b := &Bystander{cmd: exec.Command("cat")}
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return b, b.cmd.Start()
}

// PID returns its process id.
func (b *Bystander) PID() int { return b.cmd.Process.Pid }

// Next begins a run; it returns what ends it: a function that makes the event which
// Owns waits for.
func (b *Bystander) Next() (end func() error) {
	b.mark++
	text := strings.Repeat(".", int(b.mark)) // its length is told whatever the snaplen
	return func() error {
		_, err := io.WriteString(b.in, text)
		return err
	}
}

// Owns reports whether an event is of the bystander; ends, whether it is the one that
// ends the run.
func (b *Bystander) Owns(ev *event.Event) (own, ends bool) {
	if own = ev.TID() == int64(b.PID()); own && ev.Type() == event.ReadX {
		n, _ := ev.Int(0)
		ends = n == b.mark
	}
	return own, ends
}

// Close ends it.
func (b *Bystander) Close() error {
	b.in.Close()
	return b.cmd.Wait()
}
