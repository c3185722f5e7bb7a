package eventtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func init() {
	if os.Getenv(envCase) != "" {
		// The main goroutine runs init on the main thread, and a case stays there:
		// its thread id is then its process id.
		runtime.LockOSThread()
	}
}

// Main becomes a case if this process was started as one; then it does not
// return. Test binaries that call Run call it first thing in TestMain.
func Main() {
	name := os.Getenv(envCase)
	if name == "" {
		return
	}
	for _, c := range Cases() {
		if c.Name != name || c.Run == nil {
			continue
		}
		p := newProg()
		p.Begin()
		c.Run(p)
		p.End()
	}
	fmt.Fprintf(os.Stderr, "eventtest: no case %q\n", name)
	os.Exit(1)
}

// A Prog is what a Go case is written with. Its thread is locked; what the case
// does is a raw system call, and everything that calls are given lives in memory
// that the Go runtime does not know.
type Prog struct {
	Profile spec.Profile
	Snaplen int
	Limits  Limits
	Drops   bool   // see Driver
	AtSign  bool   // see Driver
	Dir     string // an empty directory
	PID     int64  // of the process, and of its thread

	arena
	out []byte // the mapped file of statements
}

// Args are those of a system call: integers, strings and []byte, which are
// copied to where the kernel can read them, and nil for 0.
type Args = []any

func newProg() *Prog {
	number := func(name string) int {
		v, _ := strconv.Atoi(os.Getenv(name)) // set by Run
		return v
	}
	p := &Prog{
		Profile: spec.Profile(number(envProfile)), Snaplen: number(envSnaplen),
		Dir: os.Getenv(envDir), PID: int64(unix.Getpid()),
	}
	l := &p.Limits
	if _, err := fmt.Sscan(os.Getenv(envLimits), &l.String, &l.Iovecs, &l.PollFDs, &l.Messages, &l.ExecStrings); err != nil {
		panic(err)
	}
	if _, err := fmt.Sscan(os.Getenv(envTraits), &p.Drops, &p.AtSign); err != nil {
		panic(err)
	}
	f, err := os.OpenFile(os.Getenv(envOut), os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if p.out, err = unix.Mmap(int(f.Fd()), 0, outputSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		panic(err)
	}
	p.arena = newArena()
	if err := os.Chdir(p.Dir); err != nil {
		panic(err)
	}
	unix.Umask(0)
	return p
}

// Begin and End mark what the case does, see window. End ends the process.
func (p *Prog) Begin() { p.mark(markBegin) }

func (p *Prog) End() {
	p.mark(markEnd)
	p.write(&statement{Done: true})
	unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
}

// Finished says that the case came to its end, for one that ends in another way
// than by End.
func (p *Prog) Finished() { p.write(&statement{Done: true}) }

func (p *Prog) mark(m int) {
	p.Call(unix.SYS_DUP3, m, m-1, 0)
}

// Call makes a system call and returns its result, or -errno.
func (p *Prog) Call(nr uintptr, args ...any) int64 {
	var a [6]uintptr
	for i, v := range args {
		a[i] = p.word(v)
	}
	return raw(nr, &a)
}

func raw(nr uintptr, a *[6]uintptr) int64 {
	r, _, e := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return -int64(e)
	}
	return int64(r)
}

// word is an argument as a register holds it.
func (p *Prog) word(v any) uintptr {
	switch v := v.(type) {
	case nil:
		return 0
	case int:
		return uintptr(v)
	case int64:
		return uintptr(v)
	case uint64:
		return uintptr(v)
	case uint32:
		return uintptr(v)
	case uintptr:
		return v
	case syscall.Signal:
		return uintptr(v)
	case string:
		return p.Str(v)
	case []byte:
		return p.Bytes(v)
	}
	panic(fmt.Sprintf("argument of type %T", v))
}

// Do makes a system call and states its event. The first parameter, which is the
// result of nearly every call, need not be given.
func (p *Prog) Do(t event.Type, nr uintptr, v V, args ...any) int64 {
	return p.DoAs(t, nr, v, nil, args...)
}

// DoAs is Do for a call whose enter event differs in some values.
func (p *Prog) DoAs(t event.Type, nr uintptr, v, enter V, args ...any) int64 {
	r := p.Call(nr, args...)
	p.State(S{Event: t, V: withResult(t, v, r), Enter: enter, TID: p.PID})
	return r
}

// withResult adds a call's result to its values, unless it is there.
func withResult(t event.Type, v V, r int64) V {
	if v == nil {
		v = V{}
	}
	if row := t.Row(); len(row.Params) > 0 {
		if _, ok := v[row.Params[0].Name]; !ok {
			v[row.Params[0].Name] = r
		}
	}
	return v
}

// Generic makes a call that has no event of its own and states the generic one.
func (p *Prog) Generic(name string, args ...any) int64 {
	s := spec.FindSyscall(name)
	nr := s.X86
	if machine == spec.Arm64 {
		nr = s.Arm64
	}
	return p.Do(event.GenericX, uintptr(nr), V{"ID": s.SC, "nativeID": nr}, args...)
}

// S is a statement.
type S struct {
	Event event.Type
	V     V      // values, see V
	Enter V      // those that the enter event has otherwise
	TID   int64  // 0: the case's own thread
	Call  string // the system call, where an event has several
	What  string

	NoEnter bool // there is no enter event
	NoExit  bool // there is only an enter event
	Drops   bool // a driver with Drops sends no exit event
}

// State states that an event comes.
func (p *Prog) State(s S) {
	if s.TID == 0 {
		s.TID = p.PID
	}
	p.write(&statement{
		Event: s.Event.Row().Ident, TID: s.TID, Params: values(s.V), Enter: values(s.Enter), Call: s.Call,
		What: s.What + where(), NoEnter: s.NoEnter, NoExit: s.NoExit, Drops: s.Drops,
	})
}

// where is the place in a case that a statement is of.
func where() string {
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if base := filepath.Base(f.File); base != "prog.go" || !more {
			return fmt.Sprintf("%s:%d", base, f.Line)
		}
	}
}

func values(v V) map[string]json.RawMessage {
	if v == nil {
		return nil
	}
	out := make(map[string]json.RawMessage, len(v))
	for name, x := range v {
		b, err := json.Marshal(plain(x))
		if err != nil {
			panic(err)
		}
		out[name] = b
	}
	return out
}

// write appends a line to the mapped file. Other processes may do so as well.
func (p *Prog) write(s *statement) {
	line, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	line = append(line, '\n')
	end := (*atomic.Uint64)(unsafe.Pointer(&p.out[0]))
	to := end.Add(uint64(len(line)))
	copy(p.out[to-uint64(len(line)):to], line)
}

// Failf says that the case itself went wrong; it goes on.
func (p *Prog) Failf(format string, args ...any) {
	p.write(&statement{Fail: where() + ": " + fmt.Sprintf(format, args...)})
}

// Skip ends the case: the machine lacks what it needs.
func (p *Prog) Skip(why string) {
	p.write(&statement{Skip: why})
	unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
}

// Must ends the case if a call failed.
func (p *Prog) Must(r int64) int64 {
	if r < 0 {
		p.Failf("a call failed: %v", syscall.Errno(-r))
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
	return r
}

// Fails says that a call must have failed in a certain way.
func (p *Prog) Fails(r int64, e syscall.Errno) {
	if r != -int64(e) {
		p.Failf("result %d, want %v", r, e)
	}
}

// old reports whether the edition is 0.36.
func (p *Prog) old() bool { return p.Profile == spec.V036 }
