package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is the user's side of a pseudo-terminal.
type terminal struct {
	t    *testing.T
	f    *os.File
	mu   sync.Mutex
	text strings.Builder
	seen int // bytes of text that expect has passed
}

// onTerminal starts a program with a terminal of its own.
func onTerminal(t *testing.T, argv ...string) (*terminal, *exec.Cmd) {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals: %v", err)
	}
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77})
	user, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = user, user, user
	cmd.Env = append(os.Environ(), "PS1=% ", "TERM=dumb", "HISTFILE=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	user.Close()
	term := &terminal{t: t, f: f}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			if err != nil {
				return
			}
			term.mu.Lock()
			term.text.Write(buf[:n])
			term.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		f.Close()
	})
	return term, cmd
}

// expect waits for a text behind the last one.
func (m *terminal) expect(want string) {
	m.t.Helper()
	for range 1000 {
		m.mu.Lock()
		rest := m.text.String()[m.seen:]
		if i := strings.Index(rest, want); i >= 0 {
			m.seen += i + len(want)
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t.Fatalf("no %q on the terminal; all of it:\n%s", want, m.text.String())
}

// typ types, after the time that a user takes to see what is on the terminal: a
// shell that is about to hand the terminal over still has its own mode on it.
func (m *terminal) typ(s string) {
	time.Sleep(250 * time.Millisecond)
	m.f.WriteString(s)
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	ctrlZ = "\x1a"
)

// TestShellUnderTrace: an interactive shell with its job control, all of it
// traced.
func TestShellUnderTrace(t *testing.T) {
	need(t, "bash")
	for _, opts := range [][]string{{"-q"}, {"-q", "-a"}, {}, {"-q", "--driver", "modern-bpf"}} {
		needDriver(t, opts)
		term, cmd := onTerminal(t, append(append([]string{traceBin}, opts...), "-o", "/dev/null", "bash", "--norc", "-i")...)
		term.expect("% ")
		term.typ("stty size; tty -s && echo terminal\n")
		term.expect("33 77")
		term.expect("terminal")
		term.typ("cat\n")
		term.typ("abc\n")
		term.expect("abc\r\nabc")
		term.typ(ctrlZ)
		term.expect("Stopped")
		term.typ("jobs\n")
		term.expect("Stopped")
		term.typ("fg\n")
		term.expect("cat\r\n")
		term.typ("def\n")
		term.expect("def\r\ndef")
		term.typ(ctrlC)
		term.expect("% ")
		term.typ("echo code $?\n")
		term.expect("code 130")
		term.typ("sleep 100 & sleep 0.1; kill -STOP %1; sleep 0.1; jobs; bg; sleep 0.1; jobs; kill %1; wait %1; echo code $?\n")
		term.expect("Stopped")
		term.expect("Running")
		term.expect("code 143")
		term.typ("exit 12\n")
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 12 {
			t.Errorf("%v: exit code %d, want 12", opts, code)
		}
	}
}

// TestTraceAsJob: trace is a job of a shell, and behaves as its command would.
func TestTraceAsJob(t *testing.T) {
	need(t, "bash")
	term, cmd := onTerminal(t, "bash", "--norc", "-i")
	term.expect("% ")
	for _, opts := range []string{"-q", "-a -o /dev/null", "-q --driver modern-bpf"} {
		needDriver(t, strings.Fields(opts))
		start := 500 * time.Millisecond
		if strings.Contains(opts, "modern-bpf") {
			start *= 4 // the probe has to be loaded
		}
		term.typ(traceBin + " " + opts + " cat\n")
		time.Sleep(4 * start)
		term.typ("one\n")
		term.expect("one\r\none")
		for range 2 {
			term.typ(ctrlZ)
			term.expect("Stopped")
			term.typ("fg\n")
			term.expect("cat\r\n")
			term.typ("two\n")
			term.expect("two\r\ntwo")
		}
		term.typ(ctrlC)
		term.expect("% ")
		term.typ("echo code $?\n")
		term.expect("code 130")
		// In the background it may not read: it stops, and can be brought back.
		term.typ(traceBin + " " + opts + " cat &\n")
		term.expect("[1]")
		time.Sleep(4 * start)
		term.typ("\njobs\n")
		term.expect("Stopped")
		term.typ("fg\n")
		term.expect("cat\r\n")
		term.typ("three\n")
		term.expect("three\r\nthree")
		term.typ(ctrlD)
		term.expect("% ")
	}
	// Programs that catch SIGTSTP tidy up before they stop themselves, by either
	// signal.
	need(t, "python3")
	for _, c := range []struct{ driver, sig string }{
		{"ptrace", "SIGTSTP"}, {"ptrace", "SIGSTOP"}, {"modern-bpf", "SIGTSTP"}, {"modern-bpf", "SIGSTOP"},
	} {
		term.typ(traceBin + " --driver " + c.driver + ` -q python3 -c 'exec("""
import signal, os, time
def h(s, f):
    print("tidy", flush=True)
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.` + c.sig + `)
    print("back", flush=True)
signal.signal(signal.SIGTSTP, h)
print("u" + "p", flush=True)
while True: time.sleep(0.05)
""")'` + "\n")
		term.expect("\nup")
		term.typ(ctrlZ)
		term.expect("tidy\r\n")
		term.expect("Stopped")
		term.typ("fg\n")
		term.expect("back\r\n")
		term.typ(ctrlC)
		term.expect("% ")
	}
	term.typ("exit 3\n")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
}
