package bpf

import (
	"errors"

	"golang.org/x/sys/unix"
)

// An endWatch tells whether a process has ended, and not another one of the same id.
type endWatch struct{ pid, fd int }

// watchEnd starts to watch a process; the error is ESRCH if it has ended.
func watchEnd(pid int) (endWatch, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.3
		return endWatch{pid, -1}, unix.Kill(pid, 0)
	}
	return endWatch{pid, fd}, err
}

// hasEnded reports whether a process has ended, though nobody may have waited for it yet.
func hasEnded(pid int) bool {
	p, err := watchEnd(pid)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer p.close()
	return p.ended()
}

func (w endWatch) ended() bool {
	if w.fd < 0 {
		return errors.Is(unix.Kill(w.pid, 0), unix.ESRCH)
	}
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, 0)
	return n > 0
}

func (w endWatch) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
}
