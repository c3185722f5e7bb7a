package bpf

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// How long the reader sleeps when there is nothing to read.
const (
	minIdle = time.Millisecond
	maxIdle = 32 * time.Millisecond
)

// A sleeper is how a reader sleeps when there is nothing to read: longer each time. The
// probe wakes it only if much is sent meanwhile.
type sleeper struct {
	epoll  int
	polled [8]unix.EpollEvent
	wake   int // eventfd: Stop was called
	idle   time.Duration
}

func newSleeper() sleeper { return sleeper{epoll: -1, wake: -1, idle: minIdle} }

// open prepares what sleep waits for.
func (s *sleeper) open() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	return s.poll(s.wake, unix.EPOLLIN)
}

func (s *sleeper) poll(fd int, events uint32) error {
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (s *sleeper) awake() { s.idle = minIdle }

// sleep waits until there may be something to read. When all is over it gives programs
// that run the time to end.
func (s *sleeper) sleep(over bool) error {
	timeout := s.idle
	s.idle = min(2*s.idle, maxIdle)
	if over {
		timeout = 2 * minIdle
	}
	n, err := unix.EpollWait(s.epoll, s.polled[:], int(timeout/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for events: %w", err)
	}
	if over && n > 0 {
		time.Sleep(timeout)
	}
	return nil
}

// interrupt ends a sleep.
func (s *sleeper) interrupt() {
	unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // can't fail: the counter is 0
}

func (s *sleeper) close() {
	for _, fd := range []int{s.epoll, s.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
