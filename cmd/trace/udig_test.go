package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/sysdigtest"
)

// privateShm makes the shell script that follows see a /dev/shm of its own: the ring's
// name is the same for all.
func privateShm(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	needRoot(t)
	need(t, "unshare")
	cmd := exec.Command("unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs tmpfs /dev/shm || exit 99\n"+script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	return cmd
}

// quoted makes words of a command line.
func quoted(argv ...string) string {
	var words []string
	for _, a := range argv {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// TestUdig: Debian's sysdig 0.29.3 shows, live, what two wrapped scripts do at the same
// time, with names.
func TestUdig(t *testing.T) {
	tool := sysdigtest.Bookworm(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "sysdig.out")
	// The option wants an argument, and has no use for it.
	reader := tool.Command("--udig=x", "--unbuffered", "-p", "*%evt.dir %evt.type %proc.name %fd.name %proc.args")
	tracer := quoted(traceBin, "-q", "--udig", "--udig-layout", "0.8", "--udig-wait", "30s", "--stats", "/bin/sh", "-c",
		`exec 5</etc/passwd; read x <&5; /bin/cat /etc/hostname >/dev/null; exit 3`)
	cmd := privateShm(t, fmt.Sprintf(`
%[1]s >%[2]s 2>%[2]s.err &
s=$!
%[3]s 2>%[4]s/1 & a=$!
%[3]s 2>%[4]s/2 & b=$!
wait $a; r=$?
wait $b; r=$r$?
for i in $(seq 300); do [ $(grep -c 'procexit sh' %[2]s) -ge 2 ] && break; sleep 0.1; done
kill -INT $s
wait $s
exit $r`, quoted(append([]string{reader.Path}, reader.Args[1:]...)...), quoted(out), tracer, quoted(dir)))
	cmd.Env = append(os.Environ(), reader.Env...)
	got := finish(t, cmd)
	if got.code != 33 {
		t.Fatalf("%+v", got)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"< openat sh /etc/passwd ", "> fcntl sh ", "< openat cat /etc/hostname /etc/hostname", "> close cat /etc/hostname /etc/hostname"} {
		if n := strings.Count(string(text), line); n < 2 {
			t.Errorf("sysdig has %d times %q", n, line)
		}
	}
	for _, name := range []string{"1", "2"} {
		stats, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`udig_written (\d+)`).FindSubmatch(stats); m == nil || len(m[1]) < 2 {
			t.Errorf("tracer %s: %s", name, stats)
		}
		for _, none := range []string{"udig_dropped_broken 0\n", "udig_dropped_locked 0\n", "udig_dropped_no_room 0\n"} {
			if !strings.Contains(string(stats), none) {
				t.Errorf("tracer %s: %s", name, stats)
			}
		}
	}
	if t.Failed() {
		errs, _ := os.ReadFile(out + ".err")
		t.Logf("sysdig says %q and shows\n%s", errs, text)
	}
}

// TestUdigServe: events of a tracer in another container reach sysdig through a server,
// the processes known by what the server tells of them.
func TestUdigServe(t *testing.T) {
	tool := sysdigtest.Bookworm(t)
	dir := t.TempDir()
	out, sock := filepath.Join(dir, "sysdig.out"), "unix:"+filepath.Join(dir, "s")
	reader := tool.Command("--udig=x", "--unbuffered", "-p", "*%evt.dir %evt.type %proc.name %thread.tid %proc.pname %fd.name")
	cmd := privateShm(t, fmt.Sprintf(`
%[1]s >%[2]s 2>%[2]s.err & s=$!
%[3]s 2>%[2]s.serve & v=$!
unshare -p -f --mount-proc %[4]s; r=$?
for i in $(seq 300); do grep -q 'procexit sh' %[2]s && break; sleep 0.1; done
kill -INT $s $v
wait $s $v
exit $r`, quoted(append([]string{reader.Path}, reader.Args[1:]...)...), quoted(out),
		quoted(traceBin, "serve", "--listen", sock, "-q", "--udig", "--udig-layout", "0.8", "--udig-wait", "30s"),
		quoted(traceBin, "-q", "--profile", "0.36", "-w", sock, "--stream-wait", "30s", "/bin/sh", "-c", "/bin/cat /etc/hostname >/dev/null; exit 4")))
	cmd.Env = append(os.Environ(), reader.Env...)
	if got := finish(t, cmd); got.code != 4 {
		t.Fatalf("%+v", got)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^< openat cat 42949\d+ sh /etc/hostname`).Match(text) {
		errs, _ := os.ReadFile(out + ".err")
		serve, _ := os.ReadFile(out + ".serve")
		t.Errorf("sysdig says %q, serve %q; shown is\n%s", errs, serve, text)
	}
}

// TestUdigAlone: without a reader the workload goes on, and what nobody read is told of.
func TestUdigAlone(t *testing.T) {
	for _, c := range []struct {
		opts []string
		code int
		says string
	}{
		{nil, 3, "nobody read the ring"},
		{[]string{"--udig-wait", "50ms"}, 125, "nobody read /dev/shm/udig_buf within 50ms"},
		{[]string{"--profile", "current"}, 125, "--profile but 0.36"},
		{[]string{"--udig-layout", "1"}, 125, "unknown layout"},
	} {
		argv := slices.Concat([]string{traceBin, "-o", "/dev/null", "--udig"}, c.opts, []string{"/bin/sh", "-c", "exit 3"})
		got := finish(t, privateShm(t, "exec "+quoted(argv...)))
		if got.code != c.code || !strings.Contains(got.err, c.says) {
			t.Errorf("%v: %+v", c.opts, got)
		}
	}
}

// TestUdigReaderDies: a reader that is killed, and one that stops, cost the workload
// nothing.
func TestUdigReaderDies(t *testing.T) {
	tool := sysdigtest.Bookworm(t)
	reader := tool.Command("--udig=x", "evt.type=procexit")
	argv := []string{traceBin, "-o", "/dev/null", "-a", "-s", "65000", "--udig", "--udig-layout", "0.8", "--udig-wait", "30s", "/bin/sh", "-c",
		"kill -$1 $2; for i in 1 2 3; do /usr/bin/head -c 20000000 /dev/zero | /usr/bin/tail -c 1 >/dev/null; done; exit 6", "sh"}
	for _, sig := range []string{"KILL", "STOP"} {
		cmd := privateShm(t, fmt.Sprintf("%s >/dev/null 2>&1 & s=$!\n%s %s $s; r=$?; kill -KILL $s; exit $r",
			quoted(append([]string{reader.Path}, reader.Args[1:]...)...), quoted(argv...), sig))
		cmd.Env = append(os.Environ(), reader.Env...)
		begun := time.Now()
		got := finish(t, cmd)
		if got.code != 6 || !strings.Contains(got.err, "events that were not read") {
			t.Errorf("%s: %+v", sig, got)
		}
		t.Logf("%s: %v, %s", sig, time.Since(begun), got.err)
	}
}
