package bpf

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
)

// initialIDs tells the ids that processes have in the initial PID namespace, which
// are those that the probe knows. The zero value is for who runs there: ids are the
// same.
type initialIDs struct{ coll *ebpf.Collection }

const initialPIDNS = 0xEFFFFFFC // PROC_PID_INIT_INO, include/linux/proc_ns.h

// load prepares for the namespace that we run in.
func (x *initialIDs) load(s *ebpf.CollectionSpec, kernel *btf.Cache) error {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil || st.Ino == initialPIDNS {
		return nil // without /proc there is no telling
	}
	s = s.Copy()
	for name := range s.Programs {
		if name != modernProgFindIds {
			delete(s.Programs, name)
		}
	}
	for name := range s.Maps {
		if !strings.HasPrefix(name, ".rodata") {
			delete(s.Maps, name)
		}
	}
	if err := s.Variables["reader_pid_ns"].Set(uint32(st.Ino)); err != nil {
		return fmt.Errorf("set the PID namespace of the probe: %w", err)
	}
	for name, v := range s.Variables {
		if !strings.HasPrefix(v.SectionName, ".rodata") {
			delete(s.Variables, name)
		}
	}
	var err error
	if x.coll, err = ebpf.NewCollectionWithOptions(s, ebpf.CollectionOptions{Cache: kernel}); err != nil {
		return fmt.Errorf("load the probe's list of processes: %w", err)
	}
	return nil
}

// of returns the initial id of a process of our namespace.
func (x *initialIDs) of(pid int) (uint32, error) {
	if x.coll == nil {
		return uint32(pid), nil
	}
	list, err := x.list()
	if err != nil {
		return 0, err
	}
	for _, t := range list {
		if t.Own == uint32(pid) && t.TID == t.PID {
			return t.PID, nil
		}
	}
	return 0, fmt.Errorf("find process %d: %w", pid, unix.ESRCH)
}

// IDs returns the ids of the threads of the PID namespace that we run in; nil if that
// is the initial one.
func (d *Driver) IDs() ([]driver.IDs, error) {
	d.life.Using.RLock()
	defer d.life.Using.RUnlock()
	if d.ids.coll == nil || d.life.Closed {
		return nil, nil
	}
	list, err := d.ids.list()
	if err != nil {
		return nil, fmt.Errorf("bpf: %w", err)
	}
	return list, nil
}

// list returns the ids of the threads of our namespace, which is not the initial one.
func (x *initialIDs) list() ([]driver.IDs, error) {
	it, err := link.AttachIter(link.IterOptions{Program: x.coll.Programs[modernProgFindIds]})
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	list := make([]driver.IDs, len(text)/binary.Size(driver.IDs{}))
	if _, err := binary.Decode(text, binary.NativeEndian, list); err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return list, nil
}

func (x *initialIDs) close() {
	if x.coll != nil {
		x.coll.Close()
	}
}
