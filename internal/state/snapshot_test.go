package state

import (
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
)

// A snapshot taken between a child's exec and its parent's return from vfork: the
// parent's event does not undo what the child became.
func TestSnapshotInVfork(t *testing.T) {
	m := newMachine(t, nil)
	m.clone(100, 0, 100, 1, 0, "sh")
	m.openat(100, 3, "/etc/hosts", openCloexec)
	m.clone(200, 0, 200, 100, 0, "sh")
	m.exec(200, 200, 100, "/bin/ls", "ls")
	m.openat(200, 4, "/etc", 0)

	n := newMachine(t, m.Snapshot())
	n.clone(100, 200, 100, 1, 0, "sh")
	n.do(200, event.CloseX, 0, 4)
	if th := n.Lookup(200); th == nil || th.Comm != "ls" || n.FD() == nil || n.FD().Name != "/etc" {
		t.Errorf("the child is %+v, its descriptor %+v", th, n.FD())
	}
	if name := n.fdName(200, 3); name != "no descriptor" {
		t.Errorf("exec closed %s", name)
	}
}

// What an event has closed or ended is in a snapshot until it is finished.
func TestSnapshotOfEndedThings(t *testing.T) {
	m := newMachine(t, nil)
	m.clone(100, 0, 100, 1, 0, "sh")
	m.openat(100, 3, "/etc/hosts", 0)
	m.do(100, event.CloseX, 0, 3)
	if name := newMachine(t, m.Snapshot()).fdName(100, 3); name != "/etc/hosts" {
		t.Errorf("before: %s", name)
	}
	m.Finish()
	if name := newMachine(t, m.Snapshot()).fdName(100, 3); name != "no descriptor" {
		t.Errorf("after: %s", name)
	}
	m.do(100, event.ProcExitE, 0, 0, 0, 0, 0)
	m.Finish()
	if list := m.Snapshot().Threads; len(list) != 0 {
		t.Errorf("after its end: %+v", list)
	}
}
