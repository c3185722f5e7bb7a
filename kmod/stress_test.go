package kmod

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// rounds are how often TestStress loads the module.
const rounds = 20

// TestStress loads, opens, closes and unloads the module while all CPUs make events,
// with readers that die, and one that follows a tree. The kernel's messages are looked
// at by who runs the machine.
func TestStress(t *testing.T) {
	needsModule(t, kmodtest.Current)
	if err := kmodtest.Unload(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		defer noise(t)()
	}
	all := set(t, "all", spec.Current)
	total := uint64(0)
	for i := range rounds {
		if err := kmodtest.Load(kmodtest.Current); err != nil {
			t.Fatal(err)
		}
		cfg := Config{Profile: spec.Current, Events: all, Snaplen: 80, BufferBytes: 16 * os.Getpagesize()}
		if i%2 == 0 {
			cfg.Scope.Host = true
		} else {
			cfg.Scope.PIDs = []int{os.Getppid()}
		}
		var dying *exec.Cmd
		if i%10 == 0 {
			dying = reader(t)
		}
		for range 3 {
			d, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error)
			go func() { read <- drain(d, func(*event.Event) {}) }()
			time.Sleep(2 * time.Millisecond)
			d.Stop()
			if err := <-read; err != nil {
				t.Error(err)
			}
			total += d.Stats().Total.Events
			d.Close()
		}
		if dying != nil {
			dying.Process.Kill()
			dying.Wait()
		}
		if err := kmodtest.Unload(); err != nil {
			t.Fatal(err)
		}
	}
	if total == 0 {
		t.Error("no event was made")
	}
	t.Logf("%d events in %d rounds", total, rounds)
}

// envReader makes this program one that reads from the module until it is killed.
const envReader = "LANNER_KMOD_READER"

// reader starts one, and waits until it reads.
func reader(t *testing.T) *exec.Cmd {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envReader+"="+ready)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range int(patience / (10 * time.Millisecond)) {
		if _, err := os.Stat(ready); err == nil {
			return cmd
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the reader does not start")
	return nil
}

// becomeReader is the other half.
func becomeReader() {
	ready := os.Getenv(envReader)
	if ready == "" {
		return
	}
	events, err := event.ParseSet("all", spec.Current)
	if err != nil {
		panic(err)
	}
	d, err := Open(Config{Profile: spec.Current, Events: events, Scope: Scope{Host: true}})
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		panic(err)
	}
	panic(drain(d, func(*event.Event) {}))
}

// TestDeath: a reader that is killed leaves nothing behind.
func TestDeath(t *testing.T) {
	needsModule(t, kmodtest.Current)
	for range 20 {
		cmd := reader(t)
		if _, err := os.Stat("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/fd"); err != nil {
			t.Error(err)
		}
		cmd.Process.Signal(unix.SIGKILL)
		cmd.Wait()
	}
	if err := kmodtest.Unload(); err != nil {
		t.Error(err)
	}
}
