package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/lacktest"
)

// envHolder says that this process is to hold a command and to tell its PID.
const envHolder = "LANNER_KERNEL_HOLDER"

func TestMain(m *testing.M) {
	lacktest.Main()
	Stage() // of the commands that tests hold
	if os.Getenv(envHolder) != "" {
		c, err := Hold("/bin/true", []string{"true"}, nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(c.PID)
		select {}
	}
	if caps := os.Getenv(envCaps); caps != "" {
		openWith(caps)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestHold: a command does nothing before it is released, and then has the
// arguments and environment that were given.
func TestHold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made")
	c, err := Hold("/bin/sh", []string{"odd name", "-c", `printf '%s|%s|%s' "$0" "$1" "$ODD" >"$FILE"; exit 7`, "zero", "a\nb"},
		[]string{"ODD=x y", "FILE=" + file})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := os.Stat(file); err == nil {
		t.Error("it ran before it was released")
	}
	if err := c.Release(); err != nil {
		t.Error(err)
	}
	if status := c.Wait(nil); status.ExitStatus() != 7 {
		t.Errorf("exit status %v", status)
	}
	if text, _ := os.ReadFile(file); string(text) != "zero|a\nb|x y" {
		t.Errorf("it wrote %q", text)
	}
}

// TestHoldFails: what execve says comes back.
func TestHoldFails(t *testing.T) {
	dir := t.TempDir()
	noformat := filepath.Join(dir, "noformat")
	if err := os.WriteFile(noformat, []byte("just text"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{"/no/such": unix.ENOENT, dir: unix.EACCES, noformat: unix.ENOEXEC} {
		c, err := Hold(path, []string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Release(); err != want {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		c.Wait(nil)
	}
}

// TestAbandon: a process that is given up ends and leaves nothing.
func TestAbandon(t *testing.T) {
	c, err := Hold("/bin/true", []string{"true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Abandon()
	if err := unix.Kill(c.PID, 0); err != unix.ESRCH {
		t.Errorf("kill after Abandon: %v", err)
	}
}

// TestKilledWhileHeld: a signal that ends the process before it is a command is
// told like one that ends a command.
func TestKilledWhileHeld(t *testing.T) {
	c, err := Hold("/bin/true", []string{"true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	unix.Kill(c.PID, unix.SIGKILL)
	if err := c.Release(); err != nil {
		t.Error(err)
	}
	if status := c.Wait(nil); !status.Signaled() || status.Signal() != unix.SIGKILL {
		t.Errorf("status %v", status)
	}
}

// TestHolderDies: a stage whose parent is gone does not become the command.
func TestHolderDies(t *testing.T) {
	holder := exec.Command("/proc/self/exe")
	holder.Env = append(os.Environ(), envHolder+"=1")
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	holder.Process.Kill()
	holder.Wait()
	for range 200 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the stage is still there")
	syscall.Kill(pid, unix.SIGKILL)
}

// TestWaitStopped: stops are told, and the end comes after them.
func TestWaitStopped(t *testing.T) {
	c, err := Hold("/bin/sh", []string{"sh", "-c", "kill -STOP $$; exit 3"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	var stops []unix.Signal
	status := c.Wait(func(sig unix.Signal) {
		stops = append(stops, sig)
		unix.Kill(c.PID, unix.SIGCONT)
	})
	if status.ExitStatus() != 3 || len(stops) != 1 || stops[0] != unix.SIGSTOP {
		t.Errorf("status %v, stops %v", status, stops)
	}
}
