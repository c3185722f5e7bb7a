package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestServeKilled: the workload does not notice that the server dies, and the next
// one hears of what comes then, with names.
func TestServeKilled(t *testing.T) {
	addr := unixAddr(t)
	dir := t.TempDir()
	srv := startServer(t, addr)
	step := func(name string) string { return filepath.Join(dir, name) }
	script := fmt.Sprintf(`exec 5</etc/hostname; : >%[1]s/begun; while [ ! -e %[1]s/go ]; do /bin/sleep 0.02; done; /bin/cat <&5 >/dev/null; exit 7`, dir)
	cmd := exec.Command(traceBin, "--stream-wait", "30s", "-q", "-a", "-w", addr, "/bin/sh", "-c", script)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the script", func() bool { _, err := os.Stat(step("begun")); return err == nil })
	waitFor(t, "events", func() bool { return srv.printed() != "" })
	srv.cmd.Process.Kill()
	srv.cmd.Wait()
	second := startServer(t, addr, "--format", "%evt.type %proc.name %fd.name")
	waitFor(t, "the tracer to come back", func() bool { return strings.Contains(second.said(), "connected") })
	if err := os.WriteFile(step("go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 || errs.Len() > 0 {
		t.Errorf("exit %d, %q", code, errs.String())
	}
	waitFor(t, "the tracer to leave", func() bool { return strings.Contains(second.said(), "ended") })
	if out := second.stop(t); !strings.Contains(out, "dup2 cat /etc/hostname") && !strings.Contains(out, "read cat /etc/hostname") {
		t.Errorf("no name for what was opened before:\n%s", out)
	}
}

// TestTracerKilled: a tracer that is killed costs the others nothing.
func TestTracerKilled(t *testing.T) {
	addr := unixAddr(t)
	srv := startServer(t, addr, "--format", "%evt.type %proc.name")
	cmd := exec.Command(traceBin, "-q", "-w", addr, "/bin/sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "its first event", func() bool { return strings.Contains(srv.printed(), "execve sleep") })
	cmd.Process.Kill()
	cmd.Wait()
	waitFor(t, "it to leave", func() bool { return strings.Contains(srv.said(), "ended") })
	if got := run(t, traceBin, "-q", "-w", addr, "/bin/echo"); got.code != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
	waitFor(t, "the next tracer", func() bool { return strings.Contains(srv.printed(), "execve echo") })
	srv.stop(t)
}

// TestStreamPolicies: what becomes of the workload where nobody listens.
func TestStreamPolicies(t *testing.T) {
	busy := "i=0; while [ $i -lt 60 ]; do /bin/true; i=$((i+1)); done; exit 5"
	for _, c := range []struct {
		opts []string
		code int
		says string
	}{
		{nil, 5, "were dropped"},
		{[]string{"--stream-full", "exit", "--stream-buffer", "128K"}, 125, "--stream-full is exit"},
		{[]string{"--stream-wait", "50ms"}, 125, "nobody listened within 50ms"},
		{[]string{"--stream-buffer", "1K"}, 125, "--stream-buffer 1K: not a size of at least 128K"},
		{[]string{"--stream-full", "maybe"}, 125, "unknown --stream-full"},
		{[]string{"-w", "s.scap", "--stream-full", "block"}, 125, "--stream-full is for streams"},
		{[]string{"--udig-wait", "1s"}, 125, "--udig-wait is for the ring"},
	} {
		got := run(t, append(append([]string{traceBin, "-o", "/dev/null", "-a", "-w", unixAddr(t)}, c.opts...), "/bin/sh", "-c", busy)...)
		if got.code != c.code || !strings.Contains(got.err, c.says) {
			t.Errorf("%v: %+v", c.opts, got)
		}
	}
	for _, addr := range []string{"tcp:0.0.0.0:7", "tcp:192.0.2.7:7"} {
		got := run(t, traceBin, "serve", "--listen", addr)
		if got.code != 125 || !strings.Contains(got.err, "--token-file") || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: %+v", addr, got)
		}
	}
	if got := run(t, traceBin, "serve"); got.code != 125 || got.out != "" || !strings.Contains(got.err, "takes --listen ADDRESS") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

// TestServeTCP: over TCP with a token; who has another one is refused, and hears why.
func TestServeTCP(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a secret of more than 16 bytes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := startServer(t, "tcp:127.0.0.1:0", "--token-file", token, "--format", "%evt.type %proc.name")
	if got := run(t, traceBin, "-q", "-w", srv.addr, "--token-file", token, "/bin/echo", "hi"); got.code != 0 || got.out != "hi\n" || got.err != "" {
		t.Errorf("%+v", got)
	}
	waitFor(t, "its events", func() bool { return strings.Contains(srv.printed(), "procexit echo") })
	got := run(t, traceBin, "-o", "/dev/null", "-w", srv.addr, "/bin/echo", "hi")
	if got.code != 0 || got.out != "hi\n" || !strings.Contains(got.err, "--token-file") || !strings.Contains(got.err, "were dropped") {
		t.Errorf("without the token: %+v", got)
	}
	if strings.Count(srv.stop(t), "procexit echo") != 1 {
		t.Error("events came without the token")
	}
}

// TestServeStops: under block a server that stands still holds the workload up, and
// nothing is lost; so does one that died, until there is another one, or until a signal
// asks the workload to end.
func TestServeStops(t *testing.T) {
	for _, then := range []string{"goes on", "is replaced", "is missed"} {
		t.Run(then, func(t *testing.T) {
			addr := unixAddr(t)
			srv := startServer(t, addr, "-o", "/dev/null", "--stats")
			const calls = 20000
			cmd := exec.Command(traceBin, "-q", "-a", "-s", "4000", "--stats", "-w", addr, "--stream-full", "block", "--stream-buffer", "128K", "--stream-wait", "30s",
				"dd", "if=/dev/zero", "of=/dev/null", "bs=4000", fmt.Sprintf("count=%d", calls))
			var errs bytes.Buffer
			var mu sync.Mutex
			cmd.Stderr = locked{&mu, &errs}
			said := func() string { mu.Lock(); defer mu.Unlock(); return errs.String() }
			srv.cmd.Process.Signal(syscall.SIGSTOP)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			done := make(chan struct{})
			go func() { cmd.Wait(); close(done) }()
			waits := func(what string, ok func() bool) {
				t.Helper()
				waitFor(t, what, func() bool {
					select {
					case <-done:
						t.Fatalf("the workload did not wait: %s", said())
					default:
					}
					return ok()
				})
			}
			const alarm = "what is traced waits for events to be taken (--stream-full block)\n"
			waits("a line about it", func() bool { return strings.Contains(said(), "the listener takes nothing; "+alarm) })
			if then == "goes on" {
				srv.cmd.Process.Signal(syscall.SIGCONT)
			} else {
				srv.cmd.Process.Kill()
				srv.cmd.Wait()
				end := time.Now().Add(2 * time.Second) // longer than it waits for a listener in other cases
				waits("two seconds", func() bool { return time.Now().After(end) })
			}
			want := 0
			switch then {
			case "is replaced":
				srv = startServer(t, addr, "-o", "/dev/null", "--stats")
			case "is missed":
				cmd.Process.Signal(syscall.SIGTERM)
				want = -1
			}
			select {
			case <-done:
			case <-time.After(timeout):
				t.Fatal("the workload hangs")
			}
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("exit %d: %s", code, said())
			}
			lost := !strings.Contains(said(), "stream_dropped_no_room 0\nstream_dropped_no_listener 0\nstream_dropped_refused 0\n")
			if then == "is missed" {
				if sig := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); sig != syscall.SIGTERM || !lost {
					t.Errorf("ended by %v: %s", sig, said())
				}
				return
			}
			waitFor(t, "the tracer to leave", func() bool { return strings.Contains(srv.said(), " ended") })
			srv.stop(t)
			var sent, received int
			for line := range strings.Lines(said() + srv.said()) {
				fmt.Sscanf(line, "n_evts %d", &sent)
				fmt.Sscanf(line, "received %d", &received)
			}
			least := sent
			if then == "is replaced" {
				least = calls // what the socket held is gone with the server that was killed
			}
			if lost || sent < 2*calls || received > sent || received < least {
				t.Errorf("%d events, %d received: %s", sent, received, said())
			}
		})
	}
}
