package state

import (
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

// created makes the descriptor that is the event's result the event's own.
func (s *State) created(num int64, fd FD) {
	s.fdNum = num
	s.fd = s.add(s.thread, num, fd)
}

// open handles the calls that open a file by name.
func open(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	fd := FD{Type: snapshot.FDFileV2}
	name, base := s.openName()
	fd.Name = join(base, name)
	setInt(s, &fd.Flags, "flags")
	setInt(s, &fd.Dev, "dev")
	setInt(s, &fd.Ino, "ino")
	if fd.Flags&openDirectory != 0 {
		fd.Type = snapshot.FDDir
	}
	s.created(num, fd)
}

// openName returns the name that was opened and the directory it counts from.
func (s *State) openName() (name []byte, base string) {
	if b, ok := s.text("path"); ok { // open_by_handle_at has the whole path
		return b, ""
	}
	name, _ = s.text("name")
	if len(name) > 0 && name[0] == '/' {
		return name, ""
	}
	if dirfd, ok := s.num("dirfd"); ok {
		return name, s.thread.dirOf(dirfd, unknownDir)
	}
	return name, s.thread.fs.cwd
}

// closeFD postpones the removal of a closed descriptor until its event is shown.
func closeFD(s *State) {
	// The descriptor is gone even if close failed, unless it was none (close(2),
	// "Dealing with error returns").
	const badFD = -9
	res, ok := s.result()
	if !ok || s.fd == nil || res == badFD {
		return
	}
	// Another thread may have got the number for a new file between the two
	// events of this call: then the descriptor is not the one closed.
	if id := s.thread.enterID; s.thread.enterType|1 == s.ev.Type() && id != 0 && id != s.fd.id {
		return
	}
	s.closing = append(s.closing, closing{s.thread.files, s.fdNum, s.fd.id})
}

func closeRange(s *State) {
	if !s.succeeded() {
		return
	}
	first, _ := s.num("first")
	last, _ := s.num("last")
	flags, _ := s.num("flags")
	t := s.thread
	if flags&2 != 0 && t.files.refs > 1 { // CLOSE_RANGE_UNSHARE
		t.files.refs--
		t.files = t.files.clone()
	}
	for num, fd := range t.files.m {
		if num < first || num > last {
			continue
		}
		if flags&closeCloexec != 0 {
			n := *fd
			n.Flags |= openCloexec
			t.files.m[num] = &n
			continue
		}
		s.closing = append(s.closing, closing{t.files, num, fd.id})
	}
}

// dup handles dup, dup2 and dup3.
func dup(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	from, ok := s.num("oldfd")
	if !ok {
		from = s.thread.enterFD // old forms
	}
	flags, _ := s.num("flags")
	s.duplicate(from, num, uint32(flags))
}

// duplicate copies descriptor from to num. Flags of the descriptor itself are
// not copied.
func (s *State) duplicate(from, num int64, flags uint32) {
	t := s.thread
	fd := t.FD(from)
	s.fdNum = num
	if fd == nil {
		// What num was before is gone in any case.
		delete(t.files.m, num)
		s.fd = nil
		return
	}
	if from == num { // dup2 of a descriptor to itself does nothing
		s.fd = fd
		return
	}
	n := *fd
	n.Flags = n.Flags&^openCloexec | flags&openCloexec
	s.fd = s.add(t, num, n)
}

// Portable fcntl commands (PPM_FCNTL_*).
const (
	fcntlDupFD        = 1
	fcntlSetFD        = 3
	fcntlDupFDCloexec = 26
)

func fcntl(s *State) {
	if !s.succeeded() {
		return
	}
	num, _ := s.result()
	cmd, _ := s.num("cmd")
	switch cmd {
	case fcntlDupFD:
		s.duplicate(s.fdNum, num, 0)
	case fcntlDupFDCloexec:
		s.duplicate(s.fdNum, num, openCloexec)
	case fcntlSetFD:
		if arg, ok := s.num("arg"); ok && s.fd != nil { // edition V036 lacks it
			n := *s.fd
			n.Flags &^= openCloexec
			if arg&1 != 0 { // FD_CLOEXEC
				n.Flags |= openCloexec
			}
			s.fd = s.change(s.thread, s.fdNum, n)
		}
	}
}

func pipe(s *State) {
	if !s.succeeded() {
		return
	}
	fd := FD{Type: snapshot.FDFifo}
	setInt(s, &fd.Ino, "ino")
	setInt(s, &fd.Flags, "flags")
	s.addPair(fd, fd)
}

// addPair adds the two descriptors that pipe and socketpair make. The event's
// own is the second, as libsinsp has it.
func (s *State) addPair(fd1, fd2 FD) {
	a, _ := s.num("fd1")
	b, _ := s.num("fd2")
	if a < 0 || b < 0 || a == b {
		return
	}
	s.add(s.thread, a, fd1)
	s.created(b, fd2)
}

// newTypes are the types of what single calls make.
var newTypes = map[string]snapshot.FDType{
	"eventfd": snapshot.FDEvent, "eventfd2": snapshot.FDEvent,
	"signalfd": snapshot.FDSignal, "signalfd4": snapshot.FDSignal,
	"timerfd_create": snapshot.FDTimer,
	"inotify_init":   snapshot.FDInotify, "inotify_init1": snapshot.FDInotify,
	"epoll_create": snapshot.FDEventPoll, "epoll_create1": snapshot.FDEventPoll,
	"memfd_create": snapshot.FDMemfd, "userfaultfd": snapshot.FDUserfault, "bpf": snapshot.FDBPF,
	"io_uring_setup": snapshot.FDIOUring, "pidfd_open": snapshot.FDPIDFD,
}

// newFD handles calls whose result is a descriptor without more to know.
func newFD(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	switch s.ev.Type() {
	case event.SignalfdX, event.Signalfd4X:
		// With an argument other than -1 the call changes that descriptor.
		if old, ok := s.num("fd"); ok && old == num {
			return
		}
	}
	fd := FD{Type: newTypes[s.row.Name]}
	if p := s.flagsParam(); p != "" {
		flags, _ := s.num(p)
		fd.Flags = uint32(flags)
	}
	if name, ok := s.text("name"); ok {
		fd.Name = string(name)
	}
	switch fd.Type {
	case snapshot.FDMemfd:
		fd.Flags = cloexecIf(fd.Flags&1 != 0) // MFD_CLOEXEC
	case snapshot.FDEventPoll:
		fd.Flags = cloexecIf(fd.Flags&1 != 0) // PPM_EPOLL_CLOEXEC
	case snapshot.FDPIDFD, snapshot.FDIOUring: // always set by the kernel
		fd.Flags = openCloexec
	case snapshot.FDUserfault: // the raw argument
		fd.Flags = cloexecIf(fd.Flags&0x80000 != 0)
	}
	if fd.Type == snapshot.FDPIDFD {
		if pid, ok := s.num("pid"); ok {
			fd.Name = pidName(pid)
		}
	}
	s.created(num, fd)
}

// flagsParam returns "flags" if the event or its enter event has it.
func (s *State) flagsParam() string {
	if b, _ := s.find("flags"); len(b) > 0 {
		return "flags"
	}
	return ""
}

func cloexecIf(on bool) uint32 {
	if on {
		return openCloexec
	}
	return 0
}

// pidfdGetfd copies a descriptor of another process.
func pidfdGetfd(s *State) {
	num, ok := s.result()
	if !ok || num < 0 {
		return
	}
	pidfd, _ := s.num("pid_fd")
	target, _ := s.num("target_fd")
	if f := s.thread.FD(pidfd); f != nil && f.Type == snapshot.FDPIDFD {
		if t := s.threads[pidOfName(f.Name)]; t != nil && t.FD(target) != nil {
			fd := *t.FD(target)
			fd.Flags |= openCloexec // pidfd_getfd(2)
			s.created(num, fd)
			return
		}
	}
	delete(s.thread.files.m, num) // whatever was known under the number is no more
}
