package kmod

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/debian"
	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envStress is what makes TestStress a long one: the command of stress-ng, as JSON.
const envStress = "LANNER_KMOD_STRESS"

// The rounds and the minute beside stress-ng are divided among machines, so that none takes
// near two minutes, not even beside the differential tests.
const (
	stressRounds   = 1000
	stressTime     = time.Minute
	stressMachines = 4
)

// TestKernelsStress loads, opens, closes and unloads the module a thousand times on each
// kernel. At first stress-ng makes the kernel do all sorts of things. Debian has no kernels
// with KASAN or lockdep, which would look closer at less.
func TestKernelsStress(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Arch != runtime.GOARCH {
			continue // stress-ng is fetched for this machine
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			root, err := debian.Tree{Name: "stress-ng", Suites: []string{"bullseye"}, Packages: []string{"stress-ng"}}.Fetch()
			if err != nil {
				t.Fatal(err)
			}
			const at, lib = "/stress", "lib/x86_64-linux-gnu"
			argv, err := json.Marshal([]string{
				at + "/" + lib + "/ld-2.31.so", "--library-path", at + "/" + lib + ":" + at + "/usr/" + lib, at + "/usr/bin/stress-ng",
				"--quiet", "--temp-path", "/tmp",
				"--fork", "1", "--clone", "1", "--pipe", "1", "--sock", "1", "--open", "1", "--mmap", "1", "--mmap-bytes", "4m", "--signal", "1",
			})
			if err != nil {
				t.Fatal(err)
			}
			vm := vmtest.VM{Kernel: k, Files: map[string]string{"/bin": bin(t, k)}, Env: []string{envStress + "=" + string(argv)}}
			for _, dir := range []string{"lib", "usr/lib", "usr/bin"} {
				vm.Files[at+"/"+dir] = filepath.Join(root, dir)
			}
			kmodtest.Build(t, &vm)
			for i := range stressMachines {
				t.Run(strconv.Itoa(i+1), func(t *testing.T) {
					t.Parallel()
					if skipped := vm.Test(t, "-test.run=^TestStress$"); len(skipped) > 0 {
						t.Errorf("%v was skipped", skipped)
					}
				})
			}
		})
	}
}

// TestStress loads, opens, closes and unloads the module while all CPUs make events,
// with readers that die, and one that follows a tree. The kernel's messages are looked
// at by who runs the machine.
func TestStress(t *testing.T) {
	needsModule(t, kmodtest.Current)
	if err := kmodtest.Unload(); err != nil {
		t.Fatal(err)
	}
	rounds, opens, least := 20, 3, 5 // rounds that must have seen events
	var argv []string
	stop := func() {}
	if text := os.Getenv(envStress); text != "" {
		rounds, opens, least = stressRounds/stressMachines, 1, stressRounds/stressMachines/20
		if err := json.Unmarshal([]byte(text), &argv); err != nil {
			t.Fatal(err)
		}
		stop = drivertest.Background(t, 15, argv[0], argv[1:]...) // else the rounds wait for it
	} else {
		for range 2 {
			defer drivertest.Noise(t)()
		}
	}
	all, few := drivertest.Set(t, "all", spec.Current), drivertest.Set(t, "close,execve,clone,procexit", spec.Current)
	total, busy, began := uint64(0), 0, time.Now()
	for i := range rounds {
		if argv != nil && time.Since(began) > stressTime/stressMachines { // the rest goes on at its own speed
			stop()
			argv = nil
			t.Logf("%d rounds beside stress-ng", i)
		}
		if err := kmodtest.Load(kmodtest.Current); err != nil {
			t.Fatal(err)
		}
		cfg := Config{Profile: spec.Current, Events: all, Snaplen: 80, BufferBytes: 16 * os.Getpagesize()}
		if rounds > 100 && i%10 != 0 {
			cfg.Events = few // each call that is wanted is a request
		}
		if i%2 == 0 {
			cfg.Scope.Host = true
		} else {
			cfg.Scope.PIDs = []int{os.Getppid()}
		}
		var dying *exec.Cmd
		if i%(rounds/2) == 0 {
			dying = reader(t)
		}
		for range opens {
			d, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error)
			go func() { read <- drivertest.Drain(d, func(*event.Event) {}) }()
			time.Sleep(2 * time.Millisecond)
			d.Stop()
			if err := <-read; err != nil {
				t.Error(err)
			}
			n := d.Stats().Total.Events
			total += n
			if n > 0 {
				busy++
			}
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
	if busy < least {
		t.Errorf("events were made in %d of %d rounds", busy, rounds)
	}
	t.Logf("%d events in %d of %d rounds, %v", total, busy, rounds, time.Since(began).Round(time.Second))
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
	for range int(drivertest.Patience / (10 * time.Millisecond)) {
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
	panic(drivertest.Drain(d, func(*event.Event) {}))
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
