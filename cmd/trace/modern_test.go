package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel"
)

// needModern skips a test where the modern probe can't be used, and fails it where
// the kernel is new enough and nothing that we may do is in the way.
func needModern(t *testing.T) {
	t.Helper()
	m := kernel.Look()
	v := kernel.Drivers(m)[0]
	switch {
	case v.Usable:
	case os.Getuid() == 0 && !m.UserNS && !m.PIDNS && m.Version >= kernel.RingBuffer.Since:
		t.Fatalf("Linux %v, but %v", m.Version, v)
	default:
		t.Skip(v)
	}
}

// modern is trace with the modern probe.
func modern(args ...string) []string {
	return append([]string{traceBin, "--driver", kernel.ModernBPF}, args...)
}

// TestModernCommand: events start with the command's execve, all of the tree is
// there, and nothing of what prepared it.
func TestModernCommand(t *testing.T) {
	needModern(t)
	got := run(t, modern("--format", "%evt.type %proc.name %evt.arg.exe", "-e", "execve,procexit", "sh", "-c", "cat /etc/hostname; exit 3")...)
	want := "execve sh sh\nexecve cat cat\nprocexit cat <NA>\nprocexit sh <NA>\n"
	if got.code != 3 || got.err != want {
		t.Errorf("got %+v\nwant %q", got, want)
	}
	got = run(t, modern("-a", "sh", "-c", "exit 0")...)
	first, _, _ := strings.Cut(got.err, "\n")
	if !strings.Contains(first, "< execve res=0 exe=sh ") || strings.Contains(got.err, "about to run") {
		t.Errorf("the first event is %q", first)
	}
}

// TestModernNotRun: a command that can't be executed is told as a shell would.
func TestModernNotRun(t *testing.T) {
	needModern(t)
	script := filepath.Join(t.TempDir(), "nointerp")
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := run(t, modern(script)...)
	if got.code != 127 || got.err != "trace: "+script+": its interpreter is missing\n" {
		t.Errorf("%+v", got)
	}
}

// TestModernDescendants: the tree is traced until its last process is gone, and the
// exit status is that of the command.
func TestModernDescendants(t *testing.T) {
	needModern(t)
	start := time.Now()
	got := run(t, modern("-e", "execve", "--format", "%proc.name", "sh", "-c", "(sleep 0.5; cat /etc/hostname) & exit 4")...)
	if got.code != 4 || got.err != "sh\nsleep\ncat\n" || time.Since(start) < 500*time.Millisecond {
		t.Errorf("%+v after %v", got, time.Since(start))
	}
	// Tracing what was left behind ends with a signal, and that goes on.
	cmd := exec.Command(traceBin, modern("-q", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!; exit 6")[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(pid, unix.SIGKILL)
	time.Sleep(300 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 6 {
		t.Errorf("exit code %d, want 6", code)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("what the command left behind: %v", err)
	}
}

// TestModernAttach: a process and what it makes from then on, and it runs on.
func TestModernAttach(t *testing.T) {
	needModern(t)
	victim := exec.Command("sh", "-c", "while read -r x; do cat /etc/hostname; done")
	in, _ := victim.StdinPipe()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	for range 2 {
		tracer := exec.Command(traceBin, modern("-e", "execve", "--format", "%proc.name %proc.pname", "-p", strconv.Itoa(victim.Process.Pid))[1:]...)
		events, _ := tracer.StdoutPipe()
		tracer.Stderr = os.Stderr
		if err := tracer.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tracer.Process.Kill() })
		lines := bufio.NewScanner(events)
		seen := make(chan string)
		go func() {
			lines.Scan()
			seen <- lines.Text()
			for lines.Scan() {
			}
		}()
		line := ""
		for line == "" {
			in.Write([]byte("x\n"))
			select {
			case line = <-seen:
			case <-time.After(100 * time.Millisecond):
			}
		}
		if line != "cat sh" {
			t.Errorf("got %q", line)
		}
		tracer.Process.Signal(os.Interrupt)
		if err := tracer.Wait(); err != nil {
			t.Errorf("trace ended with %v", err)
		}
	}
	in.Close()
	if err := victim.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	// The end of the processes is the end of tracing.
	victim = exec.Command("sleep", "1")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	go victim.Wait()
	if got := run(t, modern("-e", "procexit", "--format", "%evt.type", "-p", strconv.Itoa(victim.Process.Pid))...); got.out != "procexit\n" || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

// TestHost: all processes but trace itself; what ran before is known.
func TestHost(t *testing.T) {
	needModern(t)
	file, err := os.Open("/etc/hostname")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	busy := exec.Command("sh", "-c", "while :; do read -r x; sleep 0.02; done")
	busy.Stdin = file
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Process.Kill() })
	time.Sleep(50 * time.Millisecond)
	host := exec.Command(traceBin, "--host", "-e", "read,write", "--format", "%proc.pid %proc.name %evt.type %fd.name")
	events, _ := host.StdoutPipe()
	host.Stderr = os.Stderr
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Process.Kill() })
	self := strconv.Itoa(host.Process.Pid) + " "
	want := strconv.Itoa(busy.Process.Pid) + " sh read /etc/hostname"
	lines, found := bufio.NewScanner(events), false
	for lines.Scan() && !found {
		if strings.HasPrefix(lines.Text(), self) {
			t.Errorf("an event of trace itself: %s", lines.Text())
		}
		found = lines.Text() == want
	}
	if !found {
		t.Errorf("no event %q", want)
	}
	host.Process.Signal(os.Interrupt)
	for lines.Scan() {
	}
	if err := host.Wait(); err != nil {
		t.Errorf("trace ended with %v", err)
	}
	if got := run(t, traceBin, "--host", "-n", "3", "-e", "read"); strings.Count(got.out, "\n") != 3 || got.code != 0 || got.err != "" {
		t.Errorf("-n 3: %+v", got)
	}
}

// TestCgroup: the processes of a cgroup and of those below, and no others.
func TestCgroup(t *testing.T) {
	needModern(t)
	root := procfs.CgroupRoot()
	if root == "" {
		t.Skip("no cgroups of version 2")
	}
	group := filepath.Join(root, "lanner-test-trace")
	below := filepath.Join(group, "below")
	for _, dir := range []string{group, below} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Skipf("can't make a cgroup: %v", err)
		}
		defer os.Remove(dir)
	}
	// Each shell prints its number until told to end.
	start := func(dir string) *exec.Cmd {
		cmd := exec.Command("sh", "-c", `test -z "$0" || echo $$ >"$0"/cgroup.procs; while :; do cat /etc/hostname >/dev/null; sleep 0.05; done`, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	in, under, out := start(group), start(below), start("")
	time.Sleep(100 * time.Millisecond)
	got := run(t, traceBin, "--cgroup", "/lanner-test-trace", "-e", "execve", "-n", "40", "--format", "%proc.ppid")
	count := map[int]int{}
	for f := range strings.FieldsSeq(got.out) {
		pid, _ := strconv.Atoi(f)
		count[pid]++
	}
	if got.code != 0 || count[in.Process.Pid] == 0 || count[under.Process.Pid] == 0 || count[out.Process.Pid] != 0 || len(count) != 2 {
		t.Errorf("%v; in %d, below %d, out %d; %+v", count, in.Process.Pid, under.Process.Pid, out.Process.Pid, got)
	}
	for _, cmd := range []*exec.Cmd{in, under, out} {
		cmd.Process.Kill()
		cmd.Wait()
	}
	time.Sleep(100 * time.Millisecond) // for the last sleep in them
}

// TestModernStats: the counters by the names of Falco's, as lines and as JSON.
func TestModernStats(t *testing.T) {
	needModern(t)
	want := []string{"n_evts", "n_drops_buffer_total", "n_drops_buffer_open_exit", "n_drops_buffer_proc_exit", "n_drops_scratch_map", "n_drops", "reported", "unwritten"}
	got := run(t, modern("--stats", "-o", "/dev/null", "-a", "true")...)
	figures := map[string]uint64{}
	for line := range strings.Lines(got.err) {
		var name string
		var v uint64
		if _, err := fmt.Sscanf(line, "%s %d", &name, &v); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		figures[name] = v
	}
	check := func(how string) {
		t.Helper()
		for _, name := range want {
			if _, ok := figures[name]; !ok {
				t.Errorf("%s: no %s", how, name)
			}
		}
		if figures["n_evts"] == 0 || figures["n_evts"] < figures["reported"] || figures["n_drops"] != 0 {
			t.Errorf("%s: %v", how, figures)
		}
	}
	check("lines")
	got = run(t, modern("--stats", "--json", "-o", "/dev/null", "-a", "true")...)
	figures = nil
	if err := json.Unmarshal([]byte(got.err), &figures); err != nil || strings.Count(got.err, "\n") != 1 {
		t.Fatalf("%v\n%s", err, got.err)
	}
	check("JSON")
	if _, ok := figures["n_evts_cpu_0"]; !ok {
		t.Error("JSON: no n_evts_cpu_0")
	}
}

// TestFullBuffer: what finds no room is counted by kind, and one line says so,
// unless no one wants to hear; the command does not notice.
func TestFullBuffer(t *testing.T) {
	needModern(t)
	for _, quiet := range []bool{false, true} {
		// The reader of events takes one and then none until the command is done.
		fifo := filepath.Join(t.TempDir(), "events")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		reader := exec.Command("sh", "-c", `exec 3<"$0"; read -r line <&3; while [ ! -e "$0.done" ]; do sleep 0.05; done; cat <&3 >/dev/null`, fifo)
		if err := reader.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { reader.Process.Kill() })
		work := "i=0; while [ $i -lt 1000 ]; do cat /etc/hostname; i=$((i+1)); done >/dev/null; echo done; touch " + fifo + ".done; exit 7"
		args := modern("--buffer-preset", "1", "-a", "-o", fifo, "--stats", "--json", "sh", "-c", work)
		if quiet {
			args = append([]string{args[0], "-q"}, args[1:]...)
		}
		got := run(t, args...)
		reader.Process.Kill()
		reader.Wait()
		lines := strings.Split(strings.TrimSpace(got.err), "\n")
		var figures map[string]uint64
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &figures); err != nil {
			t.Fatalf("%v: %+v", err, got)
		}
		if got.out != "done\n" || got.code != 7 {
			t.Errorf("the command noticed: %+v", got)
		}
		var kinds uint64
		for name, v := range figures {
			if strings.HasPrefix(name, "n_drops_buffer_") && name != "n_drops_buffer_total" {
				kinds += v
			}
		}
		if figures["n_drops"] == 0 || kinds == 0 || kinds > figures["n_drops_buffer_total"] ||
			figures["n_evts"] < figures["n_drops"]+figures["reported"] {
			t.Errorf("counters: %v", figures)
		}
		said := strings.Contains(lines[0], fmt.Sprintf("trace: %d of %d events were lost", figures["n_drops"], figures["n_evts"]))
		if quiet && len(lines) != 1 || !quiet && (len(lines) != 2 || !said) {
			t.Errorf("quiet %v: %q", quiet, got.err)
		}
	}
}

// programs returns the ids of BPF programs that are in the kernel.
func programs() map[ebpf.ProgramID]bool {
	ids := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; ids[id] = true {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			return ids
		}
	}
}

// programsOf returns the programs that a process holds (bpf_prog_show_fdinfo).
func programsOf(t *testing.T, pid int) (ids []ebpf.ProgramID) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			var id uint32
			if n, _ := fmt.Sscanf(line, "prog_id:%d", &id); n == 1 {
				ids = append(ids, ebpf.ProgramID(id))
			}
		}
	}
	return ids
}

// TestReaderKilled: nothing of the probe stays, and the command goes on.
func TestReaderKilled(t *testing.T) {
	needModern(t)
	cmd := exec.Command(traceBin, modern("-q", "sh", "-c", "echo started; read -r x; exit 9")[1:]...)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	own := programsOf(t, cmd.Process.Pid)
	if len(own) == 0 {
		t.Error("no program while tracing")
	}
	left := func() (n int) {
		all := programs()
		for _, id := range own {
			if all[id] {
				n++
			}
		}
		return n
	}
	kids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	pid, err := strconv.Atoi(strings.TrimSpace(string(kids)))
	if err != nil {
		t.Fatalf("children of trace: %q", kids)
	}
	cmd.Process.Kill()
	cmd.Process.Wait()
	for range 100 {
		if left() == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := left(); n != 0 {
		t.Errorf("%d programs are still there", n)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("the command: %v", err)
	}
	in.Close()
	gone(t, pid)
}
