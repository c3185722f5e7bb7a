package bpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// needsProbe skips a test where the probe can't be loaded.
func needsProbe(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// param returns a parameter by its name.
func param(t *testing.T, ev *event.Event, name string) []byte {
	t.Helper()
	for i, p := range ev.Type().Row().Params {
		if p.Name == name {
			return ev.Param(i)
		}
	}
	t.Fatalf("%s has no parameter %s", ev.Type(), name)
	return nil
}

// number returns a parameter that is an integer.
func number(t *testing.T, ev *event.Event, name string) int64 {
	t.Helper()
	for i, p := range ev.Type().Row().Params {
		if p.Name == name {
			v, ok := ev.Int(i)
			if !ok {
				t.Fatalf("%s of %s is %x", name, ev.Type(), ev.Param(i))
			}
			return v
		}
	}
	t.Fatalf("%s has no parameter %s", ev.Type(), name)
	return 0
}

func config(t *testing.T, events string) Config {
	needsProbe(t)
	return Config{Profile: spec.Current, Events: set(t, events, spec.Current), Snaplen: 80}
}

// TestProgram looks at what a real program does.
func TestProgram(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("some text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	var first event.Type
	var opened, read, started, ended bool
	begin := uint64(time.Now().UnixNano())
	_, err := trace(config(t, "all"), "/bin/cat", []string{"cat", name}, []string{"A=1"}, func(ev *event.Event) {
		if first == 0 {
			first = ev.Type()
		}
		if ev.TS() < begin-uint64(time.Second) || ev.TS() > uint64(time.Now().UnixNano()) {
			t.Errorf("%s at %d, not between %d and now", ev.Type(), ev.TS(), begin)
		}
		switch ev.Type() {
		case event.ExecveX:
			started = true
			if exe, args, env := string(param(t, ev, "exe")), string(param(t, ev, "args")), string(param(t, ev, "env")); exe != "cat\x00" || args != name+"\x00" || env != "A=1\x00" {
				t.Errorf("started %q %q with %q", exe, args, env)
			}
		case event.OpenatX:
			if string(param(t, ev, "name")) == name+"\x00" {
				opened = true
				if ino := number(t, ev, "ino"); ino != int64(st.Ino) {
					t.Errorf("inode number %d, want %d", ino, st.Ino)
				}
			}
		case event.ReadX:
			read = read || string(param(t, ev, "data")) == "some text\n"
		case event.ProcExitE:
			ended = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first != event.ExecveX {
		t.Errorf("the first event is %s, want execve: the process was armed", first)
	}
	for what, seen := range map[string]bool{"start": started, "open": opened, "read": read, "end": ended} {
		if !seen {
			t.Errorf("no %s", what)
		}
	}
}

// TestTree counts the processes of a tree that makes thousands of short ones on all
// CPUs, while others come and go outside of it.
func TestTree(t *testing.T) {
	const children = 3000
	for _, perBuffer := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(perBuffer), func(t *testing.T) {
			cfg := config(t, "lifecycle")
			cfg.CPUsPerBuffer = perBuffer
			stop := noise(t)
			defer stop()
			var starts, ends int
			known := map[int64]bool{}    // threads that an event said were made
			latest := map[int64]uint64{} // time of a thread's last event
			var orphans []int64
			d, err := trace(cfg, "/bin/sh", []string{"sh", "-c", fmt.Sprintf("seq %d | xargs -P 4 -n 1 /bin/true", children)}, os.Environ(), func(ev *event.Event) {
				tid := ev.TID()
				if latest[tid] > ev.TS() {
					t.Errorf("thread %d: %s before what came before it", tid, ev.Type())
				}
				latest[tid] = ev.TS()
				switch ev.Type() {
				case event.ExecveX:
					if number(t, ev, "res") == 0 && strings.HasPrefix(string(param(t, ev, "exe")), "/bin/true") {
						starts++
					}
				case event.ProcExitE:
					ends++
					delete(latest, tid) // its id may be another's next
				case event.CloneX, event.Clone3X, event.ForkX, event.VforkX:
					if child := number(t, ev, "res"); child > 0 {
						known[child] = true
					}
				}
				orphans = append(orphans, tid)
			})
			if err != nil {
				t.Fatal(err)
			}
			if drops := d.Stats().Total.Drops(); drops != 0 {
				t.Fatalf("%d events lost", drops)
			}
			if starts != children {
				t.Errorf("%d programs started, want %d", starts, children)
			}
			if want := children + 3; ends != want { // sh, seq, xargs
				t.Errorf("%d processes ended, want %d", ends, want)
			}
			root := orphans[0]
			for _, tid := range orphans {
				if tid != root && !known[tid] {
					t.Fatalf("an event of thread %d, which the tree did not make", tid)
				}
			}
		})
	}
}

// noise makes processes until the function it returns is called.
func noise(t *testing.T) func() {
	cmd := exec.Command("/bin/sh", "-c", "while :; do /bin/true; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// TestHost sees all processes but its own.
func TestHost(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.Host = true
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	own := int64(os.Getpid())
	var theirs int
	if err := drain(d, func(ev *event.Event) {
		if ev.TID() == own || ev.Type() == event.ProcExitE && ev.TID() == own {
			t.Errorf("an event of our own: %s", ev.Type())
		}
		if ev.TID() == int64(cmd.Process.Pid) {
			theirs++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if theirs < 10 {
		t.Errorf("%d events of a program that ran", theirs)
	}
}

// TestCgroup watches a cgroup.
func TestCgroup(t *testing.T) {
	cfg := config(t, "all")
	dir := cgroup2(t)
	cfg.Scope.Cgroup = dir
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := noise(t)
	cmd := exec.Command("/bin/true")
	fd, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	cmd.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
	err = cmd.Run()
	stop()
	if err != nil {
		t.Skipf("start a process in a cgroup: %v", err)
	}
	d.Stop()
	n := 0
	if err := drain(d, func(ev *event.Event) {
		if n++; ev.TID() != int64(cmd.Process.Pid) {
			t.Errorf("%s of thread %d, which is not in the cgroup", ev.Type(), ev.TID())
		}
	}); err != nil {
		t.Fatal(err)
	}
	if n < 10 {
		t.Errorf("%d events of a program that ran", n)
	}
}

// cgroup2 makes a cgroup of version 2.
func cgroup2(t *testing.T) string {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
			continue
		}
		dir := filepath.Join(root, fmt.Sprintf("lanner-test-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { os.Remove(dir) })
		return dir
	}
	t.Skip("no cgroups of version 2")
	return ""
}

// TestFull lets buffers run over: what is lost is counted, by kind, and nothing else
// is lost.
func TestFull(t *testing.T) {
	full(t, config(t, "all"), func(cfg Config) (driver.Driver, error) { return Open(cfg) })
}

func full(t *testing.T, cfg Config, open func(Config) (driver.Driver, error)) {
	cfg.BufferBytes = os.Getpagesize()
	cfg.Scope.Host = true
	d, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := exec.Command("/bin/sh", "-c", "for i in 1 2 3 4 5; do cat /proc/version; done").Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	var read uint64
	if err := drain(d, func(*event.Event) { read++ }); err != nil {
		t.Fatal(err)
	}
	s := d.Stats()
	if s.Total.NoRoom == 0 || read == 0 {
		t.Fatalf("%d events lost, %d read", s.Total.NoRoom, read)
	}
	if s.Total.Events != read+s.Total.Drops() {
		t.Errorf("%d events made, %d read, %d lost", s.Total.Events, read, s.Total.Drops())
	}
	var sum, perCPU uint64
	for i, n := range s.Total.ByCategory {
		sum += n
		if strings.HasPrefix(driver.Categories[i], "close") && n == 0 {
			t.Errorf("no lost %s", driver.Categories[i])
		}
	}
	if sum > s.Total.NoRoom {
		t.Errorf("%d events lost, %d by kind", s.Total.NoRoom, sum)
	}
	for _, c := range s.CPUs {
		perCPU += c.Drops()
	}
	if perCPU != s.Total.Drops() {
		t.Errorf("%d events lost, %d by CPU", s.Total.Drops(), perCPU)
	}
}

// TestClose: nothing of the probe is left, and a reader comes back.
func TestClose(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.PIDs = []int{os.Getppid()}
	before := loaded(t)
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(loaded(t)); n <= len(before) {
		t.Errorf("%d programs loaded", n-len(before))
	}
	result := make(chan error)
	go func() { result <- drain(d, func(*event.Event) {}) }()
	time.Sleep(10 * time.Millisecond)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	var ev event.Event
	if err := d.ReadInto(&ev); !errors.Is(err, io.EOF) {
		t.Errorf("ReadInto after Close: %v", err)
	}
	d.Stats()
	if err := d.Add(1, false); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Add after Close: %v", err)
	}
	for range 100 { // the kernel frees programs when no CPU runs them any more
		if len(left(t, before)) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("still loaded: %v", left(t, before))
}

// loaded returns the programs in the kernel that have names of the probe's.
func loaded(t *testing.T) map[ebpf.ProgramID]string {
	t.Helper()
	names := map[ebpf.ProgramID]string{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone meanwhile
		}
		if info, err := p.Info(); err == nil {
			names[id] = info.Name
		}
		p.Close()
	}
}

func left(t *testing.T, before map[ebpf.ProgramID]string) (names []string) {
	for id, name := range loaded(t) {
		if _, ok := before[id]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// TestGone: a process that has ended can't be watched.
func TestGone(t *testing.T) {
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, "close")
	cfg.Scope.PIDs = []int{cmd.Process.Pid}
	d, err := Open(cfg)
	if err == nil {
		d.Close()
	}
	if !errors.Is(err, unix.ESRCH) {
		t.Errorf("Open: %v, want ESRCH", err)
	}
}

// TestErrors: the package is named once.
func TestErrors(t *testing.T) {
	_, err := Open(Config{})
	if err == nil || strings.Count(err.Error(), "bpf: ") != 1 {
		t.Errorf("error %v", err)
	}
	cfg := config(t, "close")
	cfg.Scope.PIDs = []int{os.Getpid()}
	if _, err := Open(cfg); err == nil || strings.Count(err.Error(), "bpf: ") != 1 {
		t.Errorf("error %v", err)
	}
}
