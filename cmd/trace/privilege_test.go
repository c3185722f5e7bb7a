package main

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel"
)

// TestLeastPrivilege: a user with three capabilities and nothing else runs the
// modern probe, and each of them has its purpose.
func TestLeastPrivilege(t *testing.T) {
	needModern(t)
	needRoot(t)
	need(t, "setpriv")
	least := []string{"bpf", "perfmon", "sys_ptrace"}
	charged := kernel.Look().MemcgCharge == kernel.Present
	if !charged {
		least = append(least, "sys_resource") // before Linux 5.11
	}
	without := func(c string) (rest []string) {
		for _, x := range least {
			if x != c {
				rest = append(rest, x)
			}
		}
		return rest
	}
	command := func(caps ...string) result {
		return run(t, append(nobody(caps...), modern("-e", "execve", "--format", "%proc.name %user.uid", "sh", "-c", "cat /etc/hostname; exit 3")...)...)
	}

	got := command(least...)
	if want := "sh 65534\ncat 65534\n"; got.code != 3 || got.err != want {
		t.Errorf("with all: %+v, want %q", got, want)
	}
	for c, why := range map[string]string{"bpf": "trace lacks CAP_BPF", "perfmon": "trace lacks CAP_PERFMON"} {
		got := command(without(c)...)
		if got.code != 125 || !strings.HasPrefix(got.err, "trace: modern-bpf: "+why+" (") || strings.Count(got.err, "\n") != 1 {
			t.Errorf("without %s: %+v, want %q", c, got, why)
		}
	}
	if !charged {
		if got := command(without("sys_resource")...); got.code != 125 || !strings.Contains(got.err, "locked memory") {
			t.Errorf("without sys_resource: %+v", got)
		}
	}
	// A command needs no CAP_SYS_PTRACE: it is ours. What others had before takes it.
	if got := command(without("sys_ptrace")...); got.code != 3 {
		t.Errorf("a command without sys_ptrace: %+v", got)
	}
	root := func(caps ...string) []string { // user 0 with no more rights
		return append([]string{"setpriv"}, nobody(caps...)[4:]...)
	}
	for _, c := range []struct {
		who   []string
		field string
		known bool
	}{
		{nobody(least...), "%proc.exepath", true},
		{nobody(without("sys_ptrace")...), "%proc.exepath", false},
		{root(least...), "%fd.name", true},
		{root(without("sys_ptrace")...), "%fd.name", false},
		// A directory of descriptors is for its owner.
		{nobody(least...), "%fd.name", false},
		{nobody(append(least, "dac_read_search")...), "%fd.name", true},
	} {
		if value := before(t, c.who, c.field); strings.HasPrefix(value, "/") != c.known {
			t.Errorf("%v: %s of a process of root is %q, want known: %v", c.who, c.field, value, c.known)
		}
	}
}

// before watches the machine with some rights, and returns a field of an event of a
// process that ran before, as root, and reads a file that it has open.
func before(t *testing.T, who []string, field string) string {
	t.Helper()
	busy := reader(t)
	line := append(who, traceBin, "--host", "-e", "read", "--format", "%proc.pid %fd.num ["+field+"]")
	host := exec.Command(line[0], line[1:]...)
	host.Stderr = os.Stderr
	events, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	defer host.Wait()
	defer host.Process.Kill()
	defer time.AfterFunc(timeout, func() { host.Process.Kill() }).Stop()
	prefix := strconv.Itoa(busy.Process.Pid) + " 0 ["
	for lines := bufio.NewScanner(events); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			return strings.TrimSuffix(value, "]")
		}
	}
	t.Fatal("no event of the process")
	return ""
}
