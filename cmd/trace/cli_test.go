package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestBadInput: one clear line each, and the right exit code.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := write("empty.scap", "", 0o644)
	garbage := write("garbage.scap", "this is no capture at all, not at all", 0o644)
	noexec := write("noexec", "#!/bin/sh\n", 0o644)
	nointerp := write("nointerp", "#!/no/such/interpreter\n", 0o755)
	noformat := write("noformat", "just text", 0o755)
	for _, c := range []struct {
		args []string
		code int
		want string // in the line
	}{
		{[]string{}, 125, "nothing to trace"},
		{[]string{"no-such-command"}, 127, "no-such-command: command not found"},
		{[]string{"/no/such/command"}, 127, "/no/such/command: no such file"},
		{[]string{noexec}, 126, "not executable"},
		{[]string{dir}, 126, "is a directory"},
		{[]string{nointerp}, 127, "interpreter is missing"},
		{[]string{noformat}, 126, "not an executable file"},
		{[]string{"-e", "opeat", "true"}, 125, `unknown event or set "opeat"; did you mean "openat"?`},
		{[]string{"-e", "open,", "true"}, 125, `unknown event or set ""`},
		{[]string{"--format", "%evt.tme", "true"}, 125, "evt.time"},
		{[]string{"--jsn", "true"}, 125, "did you mean --json?"},
		{[]string{"--json", "--format", "x", "true"}, 125, "not both"},
		{[]string{"-C", "1T", "-w", "x", "true"}, 125, `-C "1T" is no size`},
		{[]string{"-G", "soon", "-w", "x", "true"}, 125, `-G "soon" is no duration`},
		{[]string{"-W", "2", "-w", "x", "true"}, 125, "-W says how many files are kept"},
		{[]string{"-W", "0", "-C", "1", "-w", "x", "true"}, 125, "-W 0: it takes 1 or more"},
		{[]string{"-C", "1", "true"}, 125, "-w FILE"},
		{[]string{"-C", "1", "-w", "-", "true"}, 125, "-w - is no file"},
		{[]string{"-C", "1", "-w", "/no/such/dir/x.scap", "true"}, 125, "/no/such/dir/x_00001_"},
		{[]string{"--file-events", "0", "-w", "x", "true"}, 125, "--file-events 0"},
		{[]string{"serve", "--listen", "unix:/no/such/dir/s", "-C", "1"}, 125, "-w FILE"},
		{[]string{"--summary", "--format", "x", "true"}, 125, "not both"},
		{[]string{"--since", "yesterday", "-r", empty}, 125, `--since "yesterday" is no time`},
		{[]string{"--until", "+1h", "true"}, 125, "--until is for captures"},
		{[]string{"--profile", "0.35", "true"}, 125, `unknown profile "0.35"`},
		{[]string{"-s", "65001", "true"}, 125, "between 0 and 65000"},
		{[]string{"-s", "many", "true"}, 125, "many"},
		{[]string{"--seccomp", "maybe", "true"}, 125, `unknown --seccomp "maybe"`},
		{[]string{"--on-failure", "cry", "true"}, 125, `unknown --on-failure "cry"`},
		{[]string{"-p", "4194304"}, 125, "no process with PID 4194304"},
		{[]string{"-p", "-1"}, 125, "-1 is not a process id"},
		{[]string{"-p", "x"}, 125, "x"},
		{[]string{"-p", "1", "true"}, 125, "not both"},
		{[]string{"-p", strconv.Itoa(os.Getpid()), "-r", empty}, 125, "not both"},
		{[]string{"-p", "2"}, 125, "thread of the kernel"},
		{[]string{"--driver", "ebpf", "true"}, 125, `unknown --driver "ebpf": auto, ptrace, modern-bpf, bpf or kmod`},
		{[]string{"--driver", "kmod", "--host"}, 125, "kmod: the kernel module scap is not loaded"},
		{[]string{"--driver", "ptrace", "--host"}, 125, "--host needs a kernel driver"},
		{[]string{"--driver", "ptrace", "--cgroup", "/"}, 125, "--cgroup needs a kernel driver"},
		{[]string{"--driver", "ptrace", "--dynamic-snaplen", "true"}, 125, "--dynamic-snaplen is for kernel drivers"},
		{[]string{"--driver", "ptrace", "--buffer-preset", "5", "true"}, 125, "--buffer-preset is for kernel drivers"},
		{[]string{"--driver", "ptrace", "--cpus-per-buffer", "2", "true"}, 125, "--cpus-per-buffer is for kernel drivers"},
		{[]string{"--driver", "modern-bpf", "--seccomp", "never", "true"}, 125, "--seccomp is for the ptrace driver"},
		{[]string{"--host", "--seccomp", "auto"}, 125, "--seccomp is for the ptrace driver"},
		{[]string{"--buffer-preset", "0", "--host"}, 125, "--buffer-preset 0 is not between 1 and 10"},
		{[]string{"--buffer-preset", "11", "--host"}, 125, "--buffer-preset 11 is not between 1 and 10"},
		{[]string{"--cpus-per-buffer", "-1", "--host"}, 125, "--cpus-per-buffer -1"},
		{[]string{"--host", "true"}, 125, "either --host or a COMMAND, not both"},
		{[]string{"--host", "-p", "1"}, 125, "either -p or --host, not both"},
		{[]string{"--host", "--cgroup", "/"}, 125, "either --host or --cgroup, not both"},
		{[]string{"--host", "-r", empty}, 125, "either -r or --host, not both"},
		{[]string{"-r", empty, "true"}, 125, "either -r or a COMMAND, not both"},
		{[]string{"--cgroup", "/no/such/group"}, 125, "no cgroup /no/such/group"},
		{[]string{"--cgroup", dir}, 125, "not a cgroup of version 2"},
		{[]string{"-r", "/no/such.scap"}, 125, "/no/such.scap: no such file"},
		{[]string{"-r", dir}, 125, "is a directory"},
		{[]string{"-r", empty}, 125, "no section header"},
		{[]string{"-r", garbage}, 125, "offset 0"},
		{[]string{"-w", "/no/such/dir/x.scap", "true"}, 125, "/no/such/dir/x.scap: no such file"},
		{[]string{"-o", dir, "true"}, 125, "is a directory"},
		{[]string{"driver", "fetch"}, 125, `trace driver takes build, load, unload or status, not "fetch"`},
		{[]string{"driver", "load", "ebpf"}, 125, `takes bpf (the classic probe) or kmod (the module), not "ebpf"`},
		{[]string{"driver", "status", "x"}, 125, `takes no argument "x"`},
		{[]string{"driver", "build", "kmod", "--legacy"}, 125, "--legacy goes with --profile 0.36"},
		{[]string{"driver", "build", "kmod", "--headers", dir}, 125, "no headers in " + dir},
		{[]string{"driver", "build", "kmod", "--kernel", "4.4.4"}, 125, "no headers of Linux 4.4.4: apt-get install linux-headers-4.4.4"},
		{[]string{"driver", "build", "kmod", "--url", "http://x/{kernel}"}, 125, "only fetched by https"},
		{[]string{"driver", "build", "bpf", "--url", "https://x/{word}"}, 125, "{word} is none of"},
		{[]string{"driver", "build", "bpf", "--url", "https://x/", "--headers", dir}, 125, "do not go together"},
		{[]string{"driver", "load", "kmod", "--file", "/no/such.ko"}, 125, "there is no module /no/such.ko (trace driver build kmod)"},
		{[]string{"driver", "load", "kmod", "--file", garbage}, 125, "this is no module of ours"},
		{[]string{"driver", "load", "kmod", "--file", dir}, 125, "this is no file"},
		{[]string{"install"}, 125, "takes one DIR"},
		{[]string{"install", "/no/such/dir"}, 125, "write into /no/such/dir: no such file or directory"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got := run(t, append([]string{traceBin}, c.args...)...)
			if got.code != c.code || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, c.want) || got.out != "" {
				t.Errorf("got %+v\nwant exit code %d and one line with %q", got, c.code, c.want)
			}
		})
	}
}

// TestRefused: who may not trace is told why.
func TestRefused(t *testing.T) {
	needRoot(t)
	need(t, "setpriv")
	pid := strconv.Itoa(os.Getpid())
	got := run(t, append(nobody(), traceBin, "--driver", "ptrace", "-p", pid)...)
	if got.code != 125 || !strings.Contains(got.err, "it runs as user 0 and trace lacks CAP_SYS_PTRACE") {
		t.Errorf("another user's process: %+v", got)
	}
	victim := exec.Command("sleep", "100")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	pid = strconv.Itoa(victim.Process.Pid)
	first := exec.Command(traceBin, "-q", "-p", pid)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Process.Kill() })
	waitTraced(t, victim.Process.Pid)
	got = run(t, traceBin, "--driver", "ptrace", "-p", pid)
	if want := "process " + strconv.Itoa(first.Process.Pid) + " traces it already"; got.code != 125 || !strings.Contains(got.err, want) {
		t.Errorf("traced already: %+v, want %q", got, want)
	}
	first.Process.Signal(os.Interrupt)
	first.Wait()
	// Where ptrace is refused to the command, it is run only if that was asked for.
	under := []string{"strace", "-f", "-qq", "-o", "/dev/null", traceBin, "--driver", "ptrace"}
	need(t, "strace")
	got = run(t, append(under, "--on-failure", "run", "sh", "-c", "echo ran; exit 4")...)
	if got.out != "ran\n" || got.code != 4 || !strings.Contains(got.err, "untraced") {
		t.Errorf("--on-failure run: %+v", got)
	}
	got = run(t, append(under, "sh", "-c", "echo ran; exit 4")...)
	if got.out != "" || got.code != 125 {
		t.Errorf("--on-failure refuse: %+v", got)
	}
}

// TestFullDisk: the command goes on, what was written stays readable, and the
// end is 125.
func TestFullDisk(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("no tmpfs: %v", err)
	}
	defer unix.Unmount(dir, 0)
	file := filepath.Join(dir, "x.scap")
	got := run(t, traceBin, "-q", "-a", "-w", file, "sh", "-c", "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; echo done")
	if got.out != "done\n" || got.code != 125 || !strings.Contains(got.err, "no space left") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("full disk: %+v", got)
	}
	got = run(t, traceBin, "-r", file)
	if got.code != 0 || strings.Count(got.out, "\n") < 1000 {
		t.Errorf("reading what was written: exit code %d, %d lines, %s", got.code, strings.Count(got.out, "\n"), got.err)
	}
}

// TestClosedPipe: a reader of events that goes away does not hurt the command.
func TestClosedPipe(t *testing.T) {
	got := run(t, "bash", "-c", "exec 3>&1; "+traceBin+` -a sh -c 'i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done; echo done >&3' 2>&1 >/dev/null | head -n 3 >/dev/null; echo ${PIPESTATUS[0]}`)
	if got.out != "done\n125\n" {
		t.Errorf("got %+v", got)
	}
	// Attached, there is no point in staying.
	victim := exec.Command("sh", "-c", "while :; do :; /bin/true; done")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	start := time.Now()
	got = run(t, "bash", "-c", traceBin+" -p "+strconv.Itoa(victim.Process.Pid)+" | head -n 3 | wc -l")
	if strings.TrimSpace(got.out) != "3" || time.Since(start) > 30*time.Second {
		t.Errorf("attached: %+v after %v", got, time.Since(start))
	}
}

// TestCapture: a capture read back tells what was printed when it was written.
func TestCapture(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plain.scap", "packed.scap.gz"} {
		for _, p := range []string{"current", "0.36"} {
			file := filepath.Join(dir, p+name)
			live := run(t, traceBin, "--profile", p, "-a", "-w", file, "sh", "-c", "cat /etc/hostname; exit 2")
			read := run(t, traceBin, "-r", file)
			if live.code != 2 || read.code != 0 || read.err != "" {
				t.Errorf("%s %s: %d %d %s", name, p, live.code, read.code, read.err)
			}
			want := live.err
			if p == "0.36" {
				want = hideCodes(want)
			}
			if read.out != want {
				t.Errorf("%s %s: printed and read differ:\n%s", name, p, firstDifference(want, read.out))
			}
		}
	}
	// To standard output, and back from standard input.
	got := run(t, "bash", "-c", traceBin+" -q -w - true | "+traceBin+" -r - -e execve | wc -l")
	if strings.TrimSpace(got.out) != "1" {
		t.Errorf("through a pipe: %+v", got)
	}
	// A writer that was killed.
	whole, err := os.ReadFile(filepath.Join(dir, "currentplain.scap"))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.scap")
	if err := os.WriteFile(cut, whole[:len(whole)-7], 0o644); err != nil {
		t.Fatal(err)
	}
	got = run(t, traceBin, "-r", cut)
	if got.code != 0 || !strings.Contains(got.err, "ends in the middle of a block at offset") || !strings.Contains(got.out, "execve") {
		t.Errorf("truncated capture: exit code %d, %q", got.code, got.err)
	}
}

// hideCodes does to lines what a capture in edition 0.36 does to generic events:
// codes that sysdig 0.29.3 does not know are written as unknown.
func hideCodes(lines string) string {
	for i := range spec.Syscalls {
		if c := &spec.Syscalls[i]; c.SC >= 329 {
			if _, x := event.Pair(c, spec.V036); x == event.GenericX {
				lines = strings.ReplaceAll(lines, "> "+c.Name+"\n", "> unknown\n")
				lines = strings.ReplaceAll(lines, "< "+c.Name+"\n", "< unknown\n")
			}
		}
	}
	return lines
}

func firstDifference(a, b string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(la), len(lb)) {
		if la[i] != lb[i] {
			return "live " + la[i] + "\nread " + lb[i]
		}
	}
	return strconv.Itoa(len(la)) + " and " + strconv.Itoa(len(lb)) + " lines"
}

// TestSelection: -e, -a, ! and -n.
func TestSelection(t *testing.T) {
	types := func(args ...string) map[string]bool {
		got := run(t, append(append([]string{traceBin, "--format", "%evt.type"}, args...), "sh", "-c", "cat /etc/hostname")...)
		m := map[string]bool{}
		for w := range strings.FieldsSeq(got.err) {
			m[w] = true
		}
		return m
	}
	if m := types("-e", "openat,procexit"); !m["openat"] || !m["procexit"] || len(m) != 2 {
		t.Errorf("-e openat,procexit: %v", m)
	}
	if m := types(); !m["execve"] || !m["openat"] || m["read"] || m["mmap"] {
		t.Errorf("default: %v", m)
	}
	if m := types("-e", "!openat"); !m["execve"] || m["openat"] {
		t.Errorf("-e !openat: %v", m)
	}
	if m := types("-e", "default,mmap"); !m["execve"] || !m["mmap"] {
		t.Errorf("-e default,mmap: %v", m)
	}
	if m := types("-a", "-e", "!mmap"); !m["read"] || m["mmap"] {
		t.Errorf("-a -e !mmap: %v", m)
	}
	if m := types("-e", "io-read"); !m["read"] || m["openat"] {
		t.Errorf("-e io-read: %v", m)
	}
	// Names of descriptors are known though their opens are not shown.
	got := run(t, traceBin, "-e", "read", "--format", "%proc.name %fd.name", "sh", "-c", "cat /etc/hostname")
	if !strings.Contains(got.err, "cat /etc/hostname\n") {
		t.Errorf("fd.name of a read: %s", got.err)
	}
	got = run(t, traceBin, "-n", "5", "sh", "-c", "cat /etc/hostname; exit 3")
	if strings.Count(got.err, "\n") != 5 || got.code != 3 {
		t.Errorf("-n 5: %+v", got)
	}
}

// TestJSON: every line is an object with the documented keys.
func TestJSON(t *testing.T) {
	got := run(t, traceBin, "-a", "--json", "sh", "-c", "cat /etc/hostname")
	n := 0
	for line := range strings.Lines(got.err) {
		var e struct {
			Num  int            `json:"evt.num"`
			Time int64          `json:"evt.time"`
			Type string         `json:"evt.type"`
			Dir  string         `json:"evt.dir"`
			Proc string         `json:"proc.name"`
			PID  int            `json:"proc.pid"`
			TID  int            `json:"thread.tid"`
			Info *string        `json:"evt.info"`
			Args map[string]any `json:"evt.args"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		n++
		if e.Num != n || e.Time < 1e18 || e.Type == "" || e.Dir != "<" && e.Dir != ">" || e.Proc == "" || e.PID <= 0 ||
			e.TID <= 0 || e.Info == nil || e.Args == nil {
			t.Fatalf("line %d: %s", n, line)
		}
	}
	if n < 50 {
		t.Errorf("%d events", n)
	}
}

// TestFilterAttached: an attached process takes the filter if that is asked for.
func TestFilterAttached(t *testing.T) {
	need(t, "python3")
	victim := exec.Command("python3", "-c", `
import threading, time, os
def work():
    for i in range(30):
        time.sleep(0.05); os.close(os.open("/etc/hostname", os.O_RDONLY)); os.getppid()
print("ready", flush=True)
ts = [threading.Thread(target=work) for _ in range(4)]
for t in ts: t.start()
for t in ts: t.join()
print(open("/proc/self/status").read().split("Seccomp:")[1].split()[0])
`)
	out, _ := victim.StdoutPipe()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	lines := bufio.NewScanner(out)
	lines.Scan()
	got := run(t, traceBin, "--seccomp", "always", "--stats", "-p", strconv.Itoa(victim.Process.Pid))
	if !strings.Contains(got.err, "warning") || !strings.Contains(got.out, "< openat fd=") || got.code != 0 {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if !lines.Scan() || lines.Text() != "2" {
		t.Errorf("Seccomp of the process is %q, want 2", lines.Text())
	}
	if err := victim.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
}

// TestInstall: a copy that works, made as anyone, with nothing but its directory, and
// put in the place of the one before.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	os.Chmod(filepath.Dir(dir), 0o755)
	who := []string{"sh", "-c", `umask 077; exec "$@"`, "sh"}
	if os.Getuid() == 0 {
		need(t, "setpriv", "unshare")
		// A root that can't be written, without /tmp.
		who = append(append(who, "unshare", "-m", "sh", "-c", `mount --bind "$0" "$0" && mount -o remount,ro,bind / && exec "$@"`, dir), nobody()...)
	}
	for range 2 {
		if got := run(t, append(who, traceBin, "install", dir)...); got.code != 0 || got.out+got.err != "" {
			t.Fatalf("%+v", got)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "trace")); err != nil || st.Mode() != 0o755 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if got := run(t, filepath.Join(dir, "trace"), "-q", "sh", "-c", "exit 9"); got.code != 9 {
		t.Errorf("%+v", got)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	taken := filepath.Join(dir, "taken")
	os.MkdirAll(filepath.Join(taken, "trace", "x"), 0o755)
	if got := run(t, traceBin, "install", taken); got.code != 125 || !strings.HasPrefix(got.err, "trace: replace "+taken+"/trace: ") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("onto a directory: %+v", got)
	}
	if names, _ := filepath.Glob(filepath.Join(taken, ".*")); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}
