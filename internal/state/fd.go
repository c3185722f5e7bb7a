package state

import (
	"net/netip"
	"slices"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// A Role says which end of a connection a socket is.
type Role uint8

// The roles.
const (
	NoRole Role = iota
	Client
	Server
)

// An FD is one open descriptor. It is never changed: a change makes a new one.
type FD struct {
	Type  snapshot.FDType
	Proto snapshot.L4Proto // as the socket was made
	Role  Role
	Name  string
	Flags uint32 // portable open flags
	Dev   uint32 // new_encode_dev
	Ino   uint64

	// Sockets. Src is the client's end and Dst the server's; of a listening
	// socket only Src is valid. Unix sockets have the kernel's pointers.
	Src, Dst       netip.AddrPort
	SrcPtr, DstPtr uint64

	id uint64 // serial; a changed descriptor keeps it
}

// kinds are the letter and the name of each type, as the sysdig CLI has them.
var kinds = [...]struct {
	char byte
	name string
}{
	snapshot.FDUnknown:     {'o', NA},
	snapshot.FDFile:        {'f', "file"},
	snapshot.FDDir:         {'d', "directory"},
	snapshot.FDIPv4Sock:    {'4', "ipv4"},
	snapshot.FDIPv6Sock:    {'6', "ipv6"},
	snapshot.FDIPv4Server:  {'4', "ipv4"},
	snapshot.FDIPv6Server:  {'6', "ipv6"},
	snapshot.FDFifo:        {'p', "pipe"},
	snapshot.FDUnixSock:    {'u', "unix"},
	snapshot.FDEvent:       {'e', "event"},
	snapshot.FDUnsupported: {'X', NA},
	snapshot.FDSignal:      {'s', "signalfd"},
	snapshot.FDEventPoll:   {'l', "eventpoll"},
	snapshot.FDInotify:     {'i', "inotify"},
	snapshot.FDTimer:       {'t', "timerfd"},
	snapshot.FDNetlink:     {'n', "netlink"},
	snapshot.FDFileV2:      {'f', "file"},
	snapshot.FDBPF:         {'b', "bpf"},
	snapshot.FDUserfault:   {'u', "userfaultfd"},
	snapshot.FDIOUring:     {'r', "io_uring"},
	snapshot.FDMemfd:       {'m', "memfd"},
	snapshot.FDPIDFD:       {'P', "pidfd"},
}

// TypeChar returns the letter of the descriptor's type.
func (f *FD) TypeChar() byte {
	if int(f.Type) < len(kinds) {
		return kinds[f.Type].char
	}
	return '?'
}

// TypeName returns the name of the descriptor's type.
func (f *FD) TypeName() string {
	if int(f.Type) < len(kinds) {
		return kinds[f.Type].name
	}
	return NA
}

// IsFile reports whether the descriptor is a file or a directory.
func (f *FD) IsFile() bool {
	return f.Type == snapshot.FDFile || f.Type == snapshot.FDFileV2 || f.Type == snapshot.FDDir
}

// IsInet reports whether the descriptor is an IP socket.
func (f *FD) IsInet() bool { return f.isTuple() || f.IsListener() }

// IsListener reports whether the descriptor is an IP socket bound to a port.
func (f *FD) IsListener() bool {
	return f.Type == snapshot.FDIPv4Server || f.Type == snapshot.FDIPv6Server
}

func (f *FD) isTuple() bool {
	return f.Type == snapshot.FDIPv4Sock || f.Type == snapshot.FDIPv6Sock
}

// L4Proto returns the transport protocol as readers see it: not applicable for
// what is no IP socket or not yet either end of a connection.
func (f *FD) L4Proto() snapshot.L4Proto {
	switch {
	case f.IsListener():
		return f.Proto
	case !f.isTuple():
		return snapshot.L4NA
	case f.Proto != snapshot.L4RAW && f.Role == NoRole:
		return snapshot.L4NA
	}
	return f.Proto
}

// files is the kernel's files_struct: what CLONE_FILES shares.
type files struct {
	m    map[int64]*FD
	refs int // threads
}

func newFiles() *files { return &files{m: make(map[int64]*FD), refs: 1} }

// clone copies the table, as fork does.
func (f *files) clone() *files {
	n := &files{m: make(map[int64]*FD, len(f.m)), refs: 1}
	for k, v := range f.m {
		n.m[k] = v
	}
	return n
}

// add puts a new descriptor into the thread's table.
func (s *State) add(t *Thread, num int64, fd FD) *FD {
	s.lastFD++
	fd.id = s.lastFD
	return s.put(t, num, &fd)
}

// change replaces a descriptor by a changed copy.
func (s *State) change(t *Thread, num int64, fd FD) *FD {
	return s.put(t, num, &fd)
}

func (s *State) put(t *Thread, num int64, fd *FD) *FD {
	m := t.files.m
	if _, ok := m[num]; !ok && len(m) >= max(s.Limits.FDs, 2) {
		s.evictFDs(m)
	}
	m[num] = fd
	return fd
}

// evictFDs forgets the eighth of a table that is the oldest.
func (s *State) evictFDs(m map[int64]*FD) {
	nums := make([]int64, 0, len(m))
	for k := range m {
		nums = append(nums, k)
	}
	slices.SortFunc(nums, func(a, b int64) int {
		if m[a].id != m[b].id {
			if m[a].id < m[b].id {
				return -1
			}
			return 1
		}
		return int(a - b)
	})
	for _, k := range nums[:max(len(nums)/8, 1)] {
		delete(m, k)
		s.stats.EvictedFDs++
	}
}
