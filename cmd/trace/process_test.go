package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestEveryProcess: thousands of short processes, and none is missed.
func TestEveryProcess(t *testing.T) {
	for _, driver := range []string{"ptrace", "modern-bpf"} {
		t.Run(driver, func(t *testing.T) {
			needDriver(t, []string{driver})
			everyProcess(t, driver)
		})
	}
}

func everyProcess(t *testing.T, driver string) {
	const n = 2000
	got := run(t, traceBin, "--driver", driver, "-e", "clone,fork,vfork,clone3,execve,procexit", "--format", "%evt.dir%evt.type %evt.arg.res",
		"sh", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/true; i=$((i+1)); done", n))
	if got.code != 0 {
		t.Fatalf("exit code %d", got.code)
	}
	count := map[string]int{}
	for line := range strings.Lines(got.err) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[1] == "0" && f[0] != "<execve":
			count["child"]++
		case f[0] == "<clone" || f[0] == "<fork" || f[0] == "<vfork" || f[0] == "<clone3":
			count["parent"]++
		default:
			count[f[0]]++
		}
	}
	want := map[string]int{"child": n, "parent": n, "<execve": n + 1, ">procexit": n + 1}
	for k, v := range want {
		if count[k] != v {
			t.Errorf("%s: %d events, want %d", k, count[k], v)
		}
	}
}

// TestKilledTracer: with its tracer a command under our filter can't go on; it
// goes as well, all of it.
func TestKilledTracer(t *testing.T) {
	cmd := exec.Command(traceBin, "-q", "sh", "-c", "sleep 1000 & echo $$ $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	var a, b int
	if _, err := fmt.Fscan(out, &a, &b); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range []int{a, b} {
		gone(t, pid)
	}
}

// gone waits for a process to end.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
	unix.Kill(pid, unix.SIGKILL)
}

// TestAttach: a process that waits in a call that no kernel restarts is attached
// to, used, let go of, and never sees an error.
func TestAttach(t *testing.T) {
	for _, opts := range [][]string{{}, {"-a"}} {
		victim := exec.Command(selfBin, "waits")
		in, _ := victim.StdinPipe()
		out, _ := victim.StdoutPipe()
		victim.Stderr = os.Stderr
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { victim.Process.Kill() })
		lines := bufio.NewReader(out)
		expect := func(want string) {
			t.Helper()
			if line, err := lines.ReadString('\n'); line != want+"\n" {
				t.Fatalf("got %q %v, want %q", line, err, want)
			}
		}
		expect("ready")
		for range 3 {
			tracer := exec.Command(traceBin, append(opts, "-p", strconv.Itoa(victim.Process.Pid), "-e", "all")...)
			if len(opts) > 0 {
				tracer.Args = append([]string{traceBin}, append(opts, "-p", strconv.Itoa(victim.Process.Pid))...)
			}
			events, _ := tracer.StdoutPipe()
			tracer.Stderr = os.Stderr
			if err := tracer.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { tracer.Process.Kill() })
			waitTraced(t, victim.Process.Pid)
			io.WriteString(in, "hello")
			expect("got 5")
			scan := bufio.NewScanner(events)
			seen := false
			for scan.Scan() {
				if strings.Contains(scan.Text(), "data=hello") {
					seen = true
					break
				}
			}
			if !seen {
				t.Error("no event of the read")
			}
			tracer.Process.Signal(os.Interrupt)
			go io.Copy(io.Discard, events)
			if err := tracer.Wait(); err != nil {
				t.Errorf("trace ended with %v", err)
			}
			io.WriteString(in, "again!")
			expect("got 6")
		}
		in.Close()
		if err := victim.Wait(); err != nil {
			t.Errorf("the process ended with %v", err)
		}
	}
}

// waitTraced waits until a process has a tracer.
func waitTraced(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if !strings.Contains(string(text), "TracerPid:\t0\n") {
			time.Sleep(20 * time.Millisecond) // for the first stop to be over
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("no tracer came")
}

// TestAttachThreads: all threads of a busy process, through many attachments; a
// stopped process stays stopped.
func TestAttachThreads(t *testing.T) {
	need(t, "python3")
	victim := exec.Command("python3", "-c", `
import threading, os, time
def work():
    while not stop:
        os.getppid(); time.sleep(0.001)
stop = False
ts = [threading.Thread(target=work) for _ in range(8)]
for t in ts: t.start()
print("ready", flush=True)
input()
stop = True
for t in ts: t.join()
`)
	in, _ := victim.StdinPipe()
	out, _ := victim.StdoutPipe()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	bufio.NewReader(out).ReadString('\n')
	pid := strconv.Itoa(victim.Process.Pid)
	for range 5 {
		got := run(t, traceBin, "-p", pid, "-e", "getppid", "-n", "200", "--format", "%thread.tid")
		tids := map[string]bool{}
		for tid := range strings.FieldsSeq(got.out) {
			tids[tid] = true
		}
		if got.code != 0 || len(tids) != 8 {
			t.Errorf("exit code %d, %d of 8 threads seen: %s", got.code, len(tids), got.err)
		}
	}
	victim.Process.Signal(unix.SIGSTOP)
	state := func() string {
		text, _ := os.ReadFile("/proc/" + pid + "/stat")
		return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
	}
	for state() != "T" {
		time.Sleep(time.Millisecond)
	}
	tracer := exec.Command(traceBin, "-q", "-p", pid)
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Process.Kill() })
	waitTraced(t, victim.Process.Pid)
	tracer.Process.Signal(os.Interrupt)
	tracer.Wait()
	// It wakes to be let go, and stops again (kernel/signal.c:do_signal_stop).
	for end := time.Now().Add(timeout / 4); state() != "T"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a stopped process is in state %s after trace was there", state())
		}
	}
	victim.Process.Signal(unix.SIGCONT)
	io.WriteString(in, "\n")
	if err := victim.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
}

// rtmin is SIGRTMIN of the C library.
const rtmin = 34

// TestSignals: a signal for trace reaches the command, once, and one that both
// get is not passed on.
func TestSignals(t *testing.T) {
	names := map[syscall.Signal]string{rtmin + 3: "RTMIN+3", 64: "RTMAX"}
	script := `for s in TERM INT HUP USR1 USR2 QUIT WINCH PWR IO ABRT RTMIN+3 RTMAX; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.05; done`
	for _, c := range []struct {
		name, driver string
		group        bool
	}{
		{"trace alone", "ptrace", false}, {"process group", "ptrace", true},
		{"trace alone", "modern-bpf", false}, {"process group", "modern-bpf", true},
	} {
		t.Run(c.name+" "+c.driver, func(t *testing.T) {
			needDriver(t, []string{c.driver})
			cmd := exec.Command(traceBin, "--driver", c.driver, "-q", "bash", "-c", script)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			lines := bufio.NewScanner(out)
			lines.Scan()
			pid := cmd.Process.Pid
			sigs := []syscall.Signal{
				unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGQUIT,
				unix.SIGWINCH, unix.SIGPWR, unix.SIGIO, unix.SIGABRT, rtmin + 3, 64,
			}
			for _, sig := range sigs {
				if c.group {
					pid = -cmd.Process.Pid
				}
				unix.Kill(pid, sig)
				if !lines.Scan() || lines.Text() != names[sig] && "SIG"+lines.Text() != unix.SignalName(sig) {
					t.Errorf("%v arrived as %q", sig, lines.Text())
				}
				time.Sleep(200 * time.Millisecond)
			}
			unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
			for lines.Scan() {
				t.Errorf("%q arrived twice", lines.Text())
			}
			cmd.Wait()
		})
	}
}

// TestInit: as PID 1 of a namespace trace reaps orphans, passes signals on and
// ends with the command.
func TestInit(t *testing.T) {
	needRoot(t)
	need(t, "unshare")
	in := []string{"unshare", "-pf", "--mount-proc", traceBin, "-q"}
	// An orphan is reaped: nothing is left of it after a while.
	got := run(t, append(in, "sh", "-c", `(sh -c 'sleep 0.2 & exit 0'); sleep 0.6; ps -eo stat= | grep -c Z; exit 5`)...)
	if strings.TrimSpace(got.out) != "0" || got.code != 5 {
		t.Errorf("orphans: %+v", got)
	}
	// The command's end ends the namespace, though something is left running.
	start := time.Now()
	got = run(t, append(in, "sh", "-c", `sleep 1000 & exit 6`)...)
	if got.code != 6 || time.Since(start) > 30*time.Second {
		t.Errorf("end: %+v after %v", got, time.Since(start))
	}
	// A signal that kills the command: PID 1 can't die of it.
	got = run(t, append(in, "sh", "-c", `kill -TERM $$`)...)
	if got.code != 128+15 {
		t.Errorf("killed command: %+v", got)
	}
	// A signal for PID 1 from outside.
	cmd := exec.Command("unshare", append(in[1:], "bash", "-c", `trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.05; done`)...)
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	lines.Scan()
	kids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	first, err := strconv.Atoi(strings.TrimSpace(string(kids)))
	if err != nil {
		t.Fatalf("children of unshare: %q", kids)
	}
	unix.Kill(first, unix.SIGTERM)
	if !lines.Scan() || lines.Text() != "term" {
		t.Errorf("the signal arrived as %q", lines.Text())
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
}
