package state

import (
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A machine applies events to a state, one after the other.
type machine struct {
	*State
	t  *testing.T
	ts uint64
}

func newMachine(t *testing.T, snap *snapshot.State) *machine {
	return &machine{New(snap), t, 1e18}
}

// do applies an event made of args: integers by the parameter's type, strings
// with a NUL, bytes as they are, nil for what is empty.
func (m *machine) do(tid int64, typ event.Type, args ...any) {
	m.t.Helper()
	m.ts += 1000
	row := typ.Row()
	var b event.Builder
	b.Begin(typ, m.ts, tid, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case nil:
			b.PutEmpty()
		case int:
			b.PutInt(row.Params[i].Type.Size(), uint64(a))
		case string:
			b.PutString(a)
		case []byte:
			b.PutBytes(a)
		default:
			m.t.Fatalf("%s: argument %d is a %T", typ, i, a)
		}
	}
	ev := new(event.Event)
	if _, err := ev.Parse(b.End()); err != nil {
		m.t.Fatal(err)
	}
	m.Apply(ev)
}

// clone applies one side of a clone.
func (m *machine) clone(tid int64, res, pid, ppid, flags int, comm string) {
	m.t.Helper()
	m.do(tid, event.CloneX, res, "/bin/"+comm, []byte("-x\x00y\x00"), int(tid), pid, ppid, "", 1024, 1, 2, 3, 4, 5,
		comm, []byte("cpu=/\x00"), flags, 1000, 1000, int(tid), pid, 0)
}

// exec applies a successful execve of edition Current.
func (m *machine) exec(tid int64, pid, ppid int, path, comm string) {
	m.t.Helper()
	m.do(tid, event.ExecveX, 0, comm, []byte("a\x00b c\x00"), int(tid), pid, ppid, "", 1024, 1, 2, 3, 4, 5, comm,
		[]byte("cpu=/\x00"), []byte("K=V\x00"), 34816, pid, -1, 0, 0, 0, 0, 77, 0, 0, 1000, path, pid, 1000, path)
}

func (m *machine) openat(tid int64, fd int, name string, flags int) {
	m.t.Helper()
	m.do(tid, event.OpenatX, fd, event.AtFDCWD, name, flags, 0, 0, 0)
}

// fdName returns the name of a descriptor of a thread, or of what is missing.
func (m *machine) fdName(tid, fd int64) string {
	t := m.Lookup(tid)
	if t == nil {
		return "no thread"
	}
	if f := t.FD(fd); f != nil {
		return f.Name
	}
	return "no descriptor"
}

func (m *machine) want(what, got, want string) {
	m.t.Helper()
	if got != want {
		m.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// proc100 is a machine with one process.
func proc100(t *testing.T) *machine {
	return newMachine(t, &snapshot.State{
		Users: []snapshot.User{{UID: 0, Name: "root"}},
		Threads: []snapshot.Thread{
			{TID: 1, PID: 1, PTID: 0, VTID: 1, VPID: 1, Comm: "init", Exe: "/sbin/init", CWD: "/"},
			{TID: 100, PID: 100, PTID: 1, VTID: 100, VPID: 100, Comm: "sh", Exe: "sh", ExePath: "/bin/sh", CWD: "/root/",
				FDs: []snapshot.FD{{FD: 0, Type: snapshot.FDFileV2, Name: "/dev/null", Flags: 1}}},
		},
	})
}

func TestCloneEitherOrder(t *testing.T) {
	for _, first := range []string{"parent", "child"} {
		t.Run(first, func(t *testing.T) {
			m := proc100(t)
			m.openat(100, 3, "/etc/hosts", 1)
			if first == "parent" {
				m.clone(100, 200, 100, 1, 0, "sh")
				m.openat(100, 3, "/etc/passwd", 1) // in between: not for the child
				m.clone(200, 0, 200, 100, 0, "sh")
			} else {
				m.clone(200, 0, 200, 100, 0, "sh")
				m.openat(200, 4, "child", 1)
				m.clone(100, 200, 100, 1, 0, "sh")
				m.want("opened before the parent's event", m.fdName(200, 4), "/root/child")
			}
			m.want("inherited", m.fdName(200, 3), "/etc/hosts")
			c := m.Lookup(200)
			if c.Proc.PID != 200 || c.Proc.PPID != 100 || c.Proc.Parent().Name() != "sh" {
				t.Errorf("child is %d of %d, parent %v", c.Proc.PID, c.Proc.PPID, c.Proc.Parent())
			}
			if m.Lookup(100).Proc == c.Proc {
				t.Error("parent and child share a process")
			}
			m.openat(200, 5, "x", 1)
			m.want("parent", m.fdName(100, 5), "no descriptor")
		})
	}
}

func TestThreadsShareDescriptors(t *testing.T) {
	m := proc100(t)
	const flags = cloneThread | cloneFiles | cloneFS
	m.clone(100, 101, 100, 1, flags, "sh")
	m.clone(101, 0, 100, 1, flags, "sh")
	m.openat(101, 3, "a", 1)
	m.want("leader", m.fdName(100, 3), "/root/a")
	m.do(101, event.ChdirX, 0, "/tmp")
	m.want("cwd", m.Lookup(100).CWD(), "/tmp/")
	if n := m.Lookup(101).Proc.Threads(); n != 2 {
		t.Errorf("%d threads", n)
	}
	m.do(101, event.UnshareX, 0, cloneFiles)
	m.do(101, event.CloseX, 0, 3)
	m.openat(101, 4, "b", 1)
	m.want("leader after unshare", m.fdName(100, 3), "/root/a")
	m.want("leader after unshare", m.fdName(100, 4), "no descriptor")
}

func TestExecOfSecondThread(t *testing.T) {
	m := proc100(t)
	const flags = cloneThread | cloneFiles | cloneFS
	m.clone(101, 0, 100, 1, flags, "sh")
	m.openat(101, 3, "/keep", 1)
	m.openat(101, 4, "/close", 1|openCloexec)
	m.exec(100, 100, 1, "/usr/bin/cat", "cat") // the thread has got the leader's id
	p := m.Lookup(100)
	m.want("comm", p.Comm, "cat")
	m.want("exepath", p.Proc.ExePath, "/usr/bin/cat")
	m.want("args", p.Proc.Args[1], "b c")
	m.want("env", p.Proc.Env[0], "K=V")
	m.want("kept", m.fdName(100, 3), "/keep")
	m.want("closed", m.fdName(100, 4), "no descriptor")
	if m.Lookup(101) != nil || p.Proc.Threads() != 1 {
		t.Error("the other thread is still there")
	}
}

func TestExitIsPostponed(t *testing.T) {
	m := proc100(t)
	m.clone(200, 0, 200, 100, 0, "sh")
	m.clone(300, 0, 300, 200, 0, "sh")
	m.do(200, event.ProcExitE, 0, 0, 0, 0, 1)
	if m.Thread() == nil || m.Thread().Comm != "sh" {
		t.Fatal("thread of procexit is unknown")
	}
	m.do(300, event.GetuidX, 0)
	if m.Lookup(200) != nil || m.LookupProcess(200) != nil {
		t.Error("process is still there")
	}
	if p := m.Lookup(300).Proc; p.PPID != 1 || p.Parent().Name() != "init" {
		t.Errorf("orphan's parent is %d", p.PPID)
	}
}

// A leader that exits before its threads is still their process.
func TestLeaderExitsFirst(t *testing.T) {
	m := proc100(t)
	m.clone(101, 0, 100, 1, cloneThread|cloneFiles|cloneFS, "sh")
	m.do(100, event.ProcExitE, 0, 0, 0, 0, 0)
	m.do(101, event.GetuidX, 0)
	m.want("process", m.Thread().Proc.Name(), "sh")
	m.do(101, event.ProcExitE, 0, 0, 0, 0, 0)
	m.do(1, event.GetuidX, 0)
	if m.Lookup(100) != nil || m.Lookup(101) != nil || m.LookupProcess(100) != nil {
		t.Error("process is still there")
	}
}

func TestUnknownThread(t *testing.T) {
	m := newMachine(t, nil)
	m.openat(7, 3, "f", 1)
	th := m.Thread()
	if th == nil || !th.Placeholder || th.Comm != NA || th.Proc.PID != -1 {
		t.Fatalf("placeholder is %+v", th)
	}
	m.want("descriptor", m.fdName(7, 3), "f")
	m.exec(7, 7, 1, "/bin/x", "x")
	if th.Placeholder || th.Proc.PID != 7 || m.LookupProcess(7) != th.Proc || th.Proc.Leader != th {
		t.Errorf("after exec: %+v of %+v", th, th.Proc)
	}
	if m.Stats().UnknownThreads != 1 {
		t.Errorf("stats %+v", m.Stats())
	}
	m.do(8, event.ProcExitE, 0, 0, 0, 0, 0)
	if m.Lookup(8) != nil {
		t.Error("procexit made a thread")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := proc100(t)
	m.Limits = Limits{Threads: 50, FDs: 20}
	for i := range int64(1000) {
		m.clone(100, int(1000+i), 100, 1, 0, "sh")
		m.openat(100, int(3+i), "f", 1)
		if len(m.threads) > 50 || len(m.Lookup(100).files.m) > 20 || len(m.procs) > 50 {
			t.Fatalf("%d threads, %d processes, %d descriptors", len(m.threads), len(m.procs), len(m.Lookup(100).files.m))
		}
	}
	if st := m.Stats(); st.EvictedThreads == 0 || st.EvictedFDs == 0 {
		t.Errorf("stats %+v", st)
	}
	if m.Lookup(100) == nil {
		t.Error("the active thread was evicted")
	}
}

func TestPrctlAndSession(t *testing.T) {
	m := proc100(t)
	m.do(100, event.PrctlX, 0, prctlSetName, "a name longer than 15", 0)
	m.want("comm", m.Thread().Comm, "a name longer t")
	m.do(100, event.SetsidX, 100)
	if p := m.Thread().Proc; p.SID != 100 || p.VPGID != 100 {
		t.Errorf("session %d, group %d", p.SID, p.VPGID)
	}
	m.do(100, event.SetresuidX, 0, -1, 7, -1)
	m.do(100, event.SetregidX, 0, -1, 8)
	if th := m.Thread(); th.UID != 7 || th.GID != 8 {
		t.Errorf("ids %d, %d", th.UID, th.GID)
	}
}

// Each handler belongs to a row, and no event of any type breaks the state.
func TestEveryRow(t *testing.T) {
	names := map[string]bool{}
	m := proc100(t)
	for i := range spec.Events {
		row := &spec.Events[i]
		names[row.Name] = true
		for _, n := range []int{0, len(row.Params) / 2, len(row.Params)} {
			for _, v := range []any{nil, 0, -1, "", []byte{1}, 3} {
				args := make([]any, n)
				for j := range args {
					if size := row.Params[j].Type.Size(); size == 0 || size == 16 {
						if _, ok := v.(int); ok {
							continue
						}
					}
					args[j] = v
				}
				m.do(100, event.Type(i), args...)
			}
		}
	}
	for _, h := range []map[string]func(*State){exitHandlers, enterHandlers} {
		for name := range h {
			if !names[name] {
				t.Errorf("no row is called %s", name)
			}
		}
	}
}
