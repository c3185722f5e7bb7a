package ptrace

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envDropped says that this process was started without CAP_SYS_PTRACE.
const envDropped = "LANNER_PTRACE_DROPPED"

// TestWithoutCapability runs cases of programs that another user runs while the
// driver lacks CAP_SYS_PTRACE, as in most containers: nothing may be missing from
// their events. (Between setuid and execve a process can't be looked into at all,
// so the enter event of its execve, which edition V036 has, lacks the name.)
func TestWithoutCapability(t *testing.T) {
	if os.Getenv(envDropped) == "" {
		dropped(t)
		return
	}
	if ours := procfs.OwnStatus(); ours.Capable(unix.CAP_SYS_PTRACE) {
		t.Fatal("the capability was not dropped")
	}
	ran := false
	eventtest.Run(t, eventtest.Driver{
		Limits: limits, AtSign: true, Skip: skip, Trace: tracer(SeccompAuto, nil), Profiles: spec.Current,
		Only: func(c *eventtest.Case) bool {
			if c.Name != "exec/nobody" {
				return false
			}
			ran = true
			return true
		},
	})
	if !ran {
		t.Error("no case was run")
	}
}

// dropped runs this test again without the capability.
func dropped(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		if os.Getenv("LANNER_TEST_ALL") == "1" {
			t.Fatal("setpriv is not installed")
		}
		t.Skip("setpriv is not installed; with LANNER_TEST_ALL=1 this is a failure")
	}
	cmd := exec.Command("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", os.Args[0],
		"-test.run", "^TestWithoutCapability$", "-test.v")
	cmd.Env = append(os.Environ(), envDropped+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutCapability") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Errorf("skipped:\n%s", out)
	}
}

// TestSurrogateKeepsUs: a thread that takes on other ids changes nothing for the
// rest of the process.
func TestSurrogateKeepsUs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var uid, gid int
	if e := askAs(65534, 65533, func() syscall.Errno {
		u, _, _ := unix.RawSyscall(unix.SYS_GETEUID, 0, 0, 0)
		g, _, _ := unix.RawSyscall(unix.SYS_GETEGID, 0, 0, 0)
		uid, gid = int(u), int(g)
		return 0
	}); e != 0 {
		t.Fatal(e)
	}
	if uid != 65534 || gid != 65533 {
		t.Errorf("asked as %d, %d", uid, gid)
	}
	// Others than ids make another thread.
	if e := askAs(1234, 1234, func() syscall.Errno {
		u, _, _ := unix.RawSyscall(unix.SYS_GETUID, 0, 0, 0)
		uid = int(u)
		return 0
	}); e != 0 || uid != 1234 {
		t.Errorf("asked as %d: %v", uid, e)
	}
	if os.Geteuid() != 0 || os.Getegid() != 0 {
		t.Error("our own ids changed")
	}
	after, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || before != after {
		t.Errorf("dumpable was %d, is %d: %v", before, after, err)
	}
}
