package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/procfs"
)

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

// reader starts a process that reads a file that it had open from the start, again
// and again.
func reader(t *testing.T) *exec.Cmd {
	t.Helper()
	file, err := os.Open("/etc/hostname")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("sh", "-c", "while :; do read -r x; sleep 0.02; done")
	cmd.Stdin = file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	time.Sleep(50 * time.Millisecond)
	return cmd
}

// TestHost: all processes but trace itself; what ran before is known.
func TestHost(t *testing.T) {
	needModern(t)
	busy := reader(t)
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
