package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/capture"
)

// queueWriter puts what a capture.Writer writes, whole blocks, into the queue.
type queueWriter struct{ s *Sender }

// bigChunk is the size from which on the memory of a chunk is used again.
const bigChunk = 1 << 16

func (q queueWriter) Write(p []byte) (int, error) {
	s := q.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.movedAt = time.Now()
	}
	var buf []byte
	if n := len(s.free); n > 0 && len(p) >= bigChunk {
		buf, s.free = s.free[n-1][:0], s.free[:n-1]
	}
	s.queue = append(s.queue, chunk{append(buf, p...), s.inW})
	s.inW = 0
	s.queued.Add(int64(len(p)))
	s.cond.Broadcast()
	return len(p), nil
}

// taken removes the first chunk from the queue, all of which has been sent.
func (s *Sender) taken() {
	c := s.queue[0]
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil // and its array
	}
	s.queued.Add(-int64(len(c.buf)))
	s.sent.Add(c.events)
	s.movedAt, s.alarmed = time.Now(), false
	if cap(c.buf) >= bigChunk && len(s.free) < 4 {
		s.free = append(s.free, c.buf)
	}
	s.cond.Broadcast()
}

// settle takes off the first chunk what a connection that broke has taken of it, of n
// bytes: whole blocks. An event that it cut is sent again.
func (s *Sender) settle(n int) {
	c, end := &s.queue[0], 0
	for b := range capture.Blocks(c.buf) {
		if b.End > n {
			break
		}
		end = b.End
		if b.Event != nil && !isDropMarker(b.Event) {
			s.sent.Add(1)
			c.events--
		}
	}
	s.discard(end)
}

// discard takes n bytes off the first chunk.
func (s *Sender) discard(n int) {
	c := &s.queue[0]
	if n == len(c.buf) {
		s.taken()
		return
	}
	s.queued.Add(-int64(n))
	c.buf = c.buf[n:]
}

// passHead passes over blocks at the beginning of the queue that belong to the head of a
// section which another connection began: without that they make no sense, and the head
// of this connection says as much. It reports whether there is something else.
func (s *Sender) passHead() bool {
	for len(s.queue) > 0 {
		end := 0
		for b := range capture.Blocks(s.queue[0].buf) {
			if b.Event != nil || b.Section {
				s.discard(end)
				return true
			}
			end = b.End
		}
		s.discard(len(s.queue[0].buf))
	}
	return false
}

// Pauses between tries to connect: the first, the longest, and the longest where a
// listener does not want us.
const firstPause, lastPause, refusedPause = 10 * time.Millisecond, 200 * time.Millisecond, 10 * time.Second

// run connects, sends, and connects again, until all has been sent and no more will
// come.
func (s *Sender) run(ctx context.Context) {
	defer close(s.done)
	pause := firstPause
	told := "" // the reason that was told of last
	for ctx.Err() == nil {
		conn, err := s.cfg.Address.dial(ctx, s.cfg.Token)
		if err == nil {
			tell := told != ""
			again := time.AfterFunc(lastPause, func() { // a refusal comes sooner
				if tell {
					s.notice("connected again")
				}
			})
			var done bool
			done, err = s.serve(ctx, conn)
			if !again.Stop() {
				told, pause = "", firstPause
			}
			if done {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if why := reason(err); why != told {
			s.notice(fmt.Sprintf("%s; up to %d KiB of events wait for a listener", why, s.cfg.Buffer>>10))
			told = why
		}
		s.mu.Lock()
		s.why = told
		finished := s.over && len(s.queue) == 0
		s.mu.Unlock()
		if finished {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		most := lastPause
		if _, refused := errors.AsType[refusal](err); refused || errors.Is(err, errWrongToken) {
			most = refusedPause
		}
		pause = min(2*pause, most)
	}
}

func (s *Sender) notice(line string) {
	if s.cfg.Notice != nil {
		s.cfg.Notice(fmt.Sprintf("%s: %s", s.cfg.Address, line))
	}
}

// nobody is the reason where no socket is, or one that nobody has open.
const nobody = "nobody listens"

// reason words why there is no connection.
func reason(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		switch errno {
		case unix.ENOENT, unix.ECONNREFUSED:
			return nobody
		case unix.EPIPE, unix.ECONNRESET:
			return "the listener went away"
		}
		return errno.Error()
	}
	return err.Error()
}

// errClosed is what it means that a listener, which never speaks, closes.
var errClosed = errors.New("the listener went away")

// serve sends over a connection until it breaks; done reports that all was sent and
// no more will come.
func (s *Sender) serve(ctx context.Context, conn net.Conn) (done bool, err error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	end := make(chan struct{}) // closed once the listener has closed, or we have
	var why error              // what it said
	broken := false            // the same, under mu
	go func() {
		why = listen(conn)
		conn.Close() // a Write that hangs ends
		s.mu.Lock()
		broken = true
		s.cond.Broadcast()
		s.mu.Unlock()
		close(end)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected, s.movedAt = true, time.Now()
	s.stats.Connections++
	before, since := s.sent.Load(), time.Now()
	defer func() {
		s.connected, s.takenAt = false, time.Time{}
		s.cond.Broadcast()
		s.mu.Unlock()
		conn.Close()
		<-end
		s.mu.Lock()
		if why != errClosed && time.Since(since) < refusalTime { // nobody read what was sent
			s.stats.Refused += s.sent.Swap(before) - before
			done = false
		}
		if !done {
			err = why
		}
	}()
	if s.head == nil {
		s.wantHead.Store(true)
		s.cond.Broadcast()
	}
	for s.head == nil && !broken {
		s.cond.Wait()
	}
	head := s.head
	s.mu.Unlock()
	_, err = conn.Write(head)
	s.mu.Lock()
	if err != nil || broken {
		return false, err
	}
	s.head, s.takenAt = nil, time.Now()
	begun := false // something of the queue has been sent
	for {
		for len(s.queue) == 0 && !broken && !s.over {
			s.cond.Wait()
		}
		switch {
		case broken:
			return false, errClosed
		case len(s.queue) == 0:
			s.mu.Unlock()
			farewell(conn, end)
			s.mu.Lock()
			return true, nil
		}
		if !begun && !s.passHead() {
			continue
		}
		begun = true
		buf := s.queue[0].buf
		s.mu.Unlock()
		n, err := conn.Write(buf)
		s.mu.Lock()
		if err != nil {
			s.settle(n)
			return false, err
		}
		s.taken()
	}
}

// refusalTime is how soon a listener says that it does not want a tracer.
const refusalTime = 10 * time.Second

// farewell says that nothing more will come, and waits a little for the listener to
// have read all that did.
func farewell(conn net.Conn, end <-chan struct{}) {
	if c, ok := conn.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		return
	}
	select {
	case <-end:
	case <-time.After(aloneTime):
	}
}

// maxRefusal bounds the line that a listener sends: bytes.
const maxRefusal = 256

// listen waits for the end of a connection, and returns what the listener said or
// that it went away.
func listen(conn net.Conn) error {
	b, _ := io.ReadAll(io.LimitReader(conn, maxRefusal))
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line)
	if line != "" {
		return refusal{line}
	}
	return errClosed
}

// A refusal is what a listener said before it closed.
type refusal struct{ line string }

func (r refusal) Error() string { return "refused: " + r.line }

// refuse tells a tracer in one line why its connection is closed.
func refuse(conn net.Conn, why string) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, why[:min(len(why), maxRefusal-1)]+"\n")
}
