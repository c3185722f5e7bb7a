package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
)

// A server is a "trace serve" that runs.
type server struct {
	cmd  *exec.Cmd
	addr string // where it listens
	mu   sync.Mutex
	out  bytes.Buffer // what it printed
	errs bytes.Buffer
}

// locked is a writer into a buffer that is read meanwhile.
type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// startServer runs a server and waits until it listens.
func startServer(t *testing.T, addr string, opts ...string) *server {
	t.Helper()
	s := &server{}
	s.cmd = exec.Command(traceBin, append([]string{"serve", "--listen", addr}, opts...)...)
	s.cmd.Stdout, s.cmd.Stderr = locked{&s.mu, &s.out}, locked{&s.mu, &s.errs}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	const listening = "trace: listening at "
	waitFor(t, "the server to listen", func() bool { return strings.Contains(s.said(), listening) })
	_, rest, _ := strings.Cut(s.said(), listening)
	s.addr, _, _ = strings.Cut(rest, "\n")
	return s
}

// waitFor waits for something that is about to happen.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, timeout)
		}
	}
}

func (s *server) printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errs.String()
}

// stop ends the server as a user does, and returns what it printed.
func (s *server) stop(t *testing.T) string {
	t.Helper()
	s.cmd.Process.Signal(syscall.SIGINT)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("trace serve: %v\n%s", err, s.said())
	}
	return s.out.String()
}

func unixAddr(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "s") }

// TestServe: what tracers at the same time tell is what each would have printed.
func TestServe(t *testing.T) {
	addr := unixAddr(t)
	const n = 20
	file := filepath.Join(t.TempDir(), "all.scap")
	srv := startServer(t, addr, "--format", "%evt.type %proc.name %fd.name %proc.args", "-w", file)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			got := run(t, traceBin, "-q", "-e", "execve,openat", "-w", addr, "--stream-full", "block", "/bin/sh", "-c",
				fmt.Sprintf("read x </etc/hostname; /bin/echo tracer-%d. >/dev/null; exit %d", i, i))
			if got.code != i || got.err != "" {
				t.Errorf("tracer %d: %+v", i, got)
			}
		})
	}
	wg.Wait()
	waitFor(t, "the last tracer to leave", func() bool { return strings.Count(srv.said(), " ended") == n })
	out := srv.stop(t)
	for i := range n {
		if c := strings.Count(out, fmt.Sprintf("execve echo <NA> tracer-%d.", i)); c != 1 {
			t.Errorf("tracer %d's echo was told %d times", i, c)
		}
	}
	if c := strings.Count(out, "openat sh /etc/hostname"); c < n {
		t.Errorf("%d of %d opens of a named file", c, n)
	}
	again := run(t, traceBin, "-r", file, "--format", "%evt.type %proc.name %fd.name %proc.args")
	if again.code != 0 || again.err != "" || again.out != out {
		t.Errorf("the capture is read as something else: %d %q, %d bytes, not %d", again.code, again.err, len(again.out), len(out))
	}
}

// TestServeNamespaces: threads of containers are kept apart, with names.
func TestServeNamespaces(t *testing.T) {
	needRoot(t)
	addr := unixAddr(t)
	srv := startServer(t, addr, "--format", "%evt.type %proc.name %thread.tid %proc.pname")
	for range 2 {
		got := run(t, "unshare", "-p", "-f", "--mount-proc", traceBin, "-q", "-e", "execve", "-w", addr, "/bin/sh", "-c", "/bin/true; exit 3")
		if got.code != 3 {
			t.Fatalf("%+v", got)
		}
	}
	waitFor(t, "both to leave", func() bool { return strings.Count(srv.said(), " ended") == 2 })
	out := srv.stop(t)
	ids := map[int64]bool{}
	for line := range strings.Lines(out) {
		var tid int64
		if _, err := fmt.Sscanf(line, "execve true %d sh", &tid); err == nil {
			ids[tid>>32] = true
		}
	}
	if len(ids) != 2 || ids[0] {
		t.Errorf("namespaces %v in\n%s", ids, out)
	}
}

// TestReception: tracers that come and go while nothing happens leave nothing behind, and
// what one that stays has said last is known.
func TestReception(t *testing.T) {
	r := reception{st: state.New(nil), out: &outputs{}}
	snap := func(tid int64, comm string) *snapshot.State {
		return &snapshot.State{Threads: []snapshot.Thread{{TID: tid, PID: tid, Comm: comm}}}
	}
	const base = 1 << 32
	stays := &stream.Tracer{Base: base}
	r.join(stays, snap(base|7, "old"))
	r.state()
	r.leave(stays, []int64{base})
	for range 1000 {
		goes := &stream.Tracer{Base: base}
		r.join(goes, snap(base|8, "gone"))
		r.join(stays, snap(base|9, "old"))
		r.leave(goes, nil)
	}
	r.join(stays, snap(base|9, "new"))
	if len(r.todo) > 2 {
		t.Errorf("%d changes are kept", len(r.todo))
	}
	st := r.state()
	if st.Lookup(base|7) != nil || st.Lookup(base|8) != nil || st.Lookup(base|9) == nil || st.Lookup(base|9).Comm != "new" {
		t.Errorf("known are 7 %v, 8 %v, 9 %v", st.Lookup(base|7), st.Lookup(base|8), st.Lookup(base|9))
	}
}

// TestContainerID: the id of a container is where readers of events look for it, also
// behind a server.
func TestContainerID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	addr := unixAddr(t)
	srv := startServer(t, addr, "--json")
	got := run(t, traceBin, "-q", "--container-id", id, "-e", "execve", "-w", addr, "/bin/true")
	if got.code != 0 {
		t.Fatalf("%+v", got)
	}
	waitFor(t, "the tracer to leave", func() bool { return strings.Contains(srv.said(), "ended") })
	if !strings.Contains(srv.said(), "container "+id[:12]) {
		t.Errorf("the server says %q", srv.said())
	}
	if out := srv.stop(t); !strings.Contains(out, "/"+id+`"`) {
		t.Errorf("no id in %s", out)
	}
	file := filepath.Join(t.TempDir(), "x.scap")
	run(t, traceBin, "-q", "-e", "execve", "-w", file, "/bin/true")
	if got := run(t, traceBin, "-r", file, "--container-id", id, "--json"); !strings.Contains(got.out, "/"+id+`"`) {
		t.Errorf("no id in what is read: %+v", got)
	}
	if got := run(t, traceBin, "--container-id", "a/b", "true"); got.code != 125 || strings.Count(got.err, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

// TestServeSysdig: the capture of several tracers, in several sections, is read by
// Debian's sysdig as by us.
func TestServeSysdig(t *testing.T) {
	addr, file := unixAddr(t), filepath.Join(t.TempDir(), "all.scap")
	srv := startServer(t, addr, "--profile", "0.36", "-o", "/dev/null", "-w", file)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			run(t, traceBin, "-q", "--profile", "0.36", "-w", addr, "/bin/sh", "-c", "/bin/cat /etc/hostname; /bin/sleep 0.3; /bin/cat /etc/hostname")
		})
	}
	wg.Wait()
	waitFor(t, "the last tracer to leave", func() bool { return strings.Count(srv.said(), " ended") == 3 })
	srv.stop(t)
	const format, filter = "%evt.time %thread.tid %evt.dir %evt.type %proc.name %fd.name", "openat"
	ours := run(t, traceBin, "-r", file, "-e", filter, "--format", format)
	theirs := bookworm(t).Run(t, "-r", file, "-p", "*"+format, "evt.type=openat")
	if got, want := strings.Count(theirs, "\n"), strings.Count(ours.out, "\n"); got != want || want < 30 {
		t.Errorf("sysdig has %d events, we have %d", got, want)
	}
	if n := strings.Count(theirs, "< openat cat /etc/hostname"); n != 6 {
		t.Errorf("sysdig has %d opens by name in\n%s", n, theirs)
	}
}
