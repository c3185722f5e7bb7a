package kmod

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/debian"
	"github.com/lannerhq/lanner/internal/drivertest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/internal/vmtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// envSysdig is the command of sysdig, as JSON.
const envSysdig = "LANNER_KMOD_SYSDIG"

// TestKernelsClients: readers and modules of others are what the devices are for. Debian's
// are of March 2022, and for kernels before 6.2.
func TestKernelsClients(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "5.10" && k.Name != "6.1" {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			sysdig := sysdigtest.Bookworm(t)
			argv, err := json.Marshal(sysdig.Argv())
			if err != nil {
				t.Fatal(err)
			}
			vm := vmtest.VM{
				Kernel: k, Memory: 1536, Files: map[string]string{"/bin": bin(t, k)}, Env: []string{envSysdig + "=" + string(argv)},
			}
			for _, path := range sysdig.Files(t) {
				vm.Files[path] = path
			}
			kmodtest.Build(t, &vm)
			kmodtest.Add(t, &vm, "debian", debianModule(t, k))
			for _, name := range vm.Test(t, "-test.run=^(TestSysdig|TestDebianModule)$") {
				t.Errorf("%s was skipped", name)
			}
		})
	}
}

// debianModule builds Debian's package of the module, and returns its file.
func debianModule(t *testing.T, k vmtest.Kernel) string {
	t.Helper()
	root, err := debian.Tree{
		Name: "scap-dkms", Suites: []string{"bookworm"}, Packages: []string{"falcosecurity-scap-dkms"}, Follow: regexp.MustCompile("^$"),
	}.Fetch()
	if err != nil {
		t.Fatal(err)
	}
	dirs, _ := filepath.Glob(root + "/usr/src/scap-*")
	if len(dirs) != 1 {
		t.Fatalf("%d sources of the module in %s", len(dirs), root)
	}
	src := t.TempDir()
	if err := os.CopyFS(src, os.DirFS(dirs[0])); err != nil {
		t.Fatal(err)
	}
	k.BuildModule(t, src)
	return filepath.Join(src, "scap.ko")
}

// TestSysdig: Debian's sysdig captures live from our module.
func TestSysdig(t *testing.T) {
	var argv []string
	if err := json.Unmarshal([]byte(os.Getenv(envSysdig)), &argv); err != nil {
		t.Skip("for the virtual machines of TestKernelsClients")
	}
	needsModule(t, kmodtest.Legacy)
	// Not by a shell: busybox starts itself by another name, which sysdig goes by.
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = exec.Command("/bin/dd", "if=/proc/version", "of=/dev/null", "bs=7", "count=1", "status=none").Run()
				time.Sleep(50 * time.Millisecond)
			}
		}
	})
	defer work.Wait()
	defer close(stop)
	args := append(argv[1:], "-n", "300", "-p", "%evt.dir %evt.type %evt.info", "proc.name=dd")
	cmd := exec.Command(argv[0], args...)
	late := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("sysdig: %v", err)
	}
	for _, want := range []string{
		"< execve res=0 exe=/bin/dd args=if=/proc/version.of=/dev/null.bs=7.count=1.status=none. ",
		"< openat fd=3(<f>/proc/version) ", "> read fd=0", " size=7", "< read res=7 data=Linux v",
		"< write res=7 data=Linux v", "> procexit status=0",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in what sysdig says", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// TestDebianModule: our reader reads from Debian's module.
func TestDebianModule(t *testing.T) {
	if os.Getenv(envSysdig) == "" {
		t.Skip("for the virtual machines of TestKernelsClients")
	}
	needsModule(t, "debian")
	notice := ""
	cfg := Config{Profile: spec.V036, Events: drivertest.Set(t, "execve,open,openat,procexit,close", spec.V036), Snaplen: 80, Notice: func(line string) { notice = line }}
	cfg.Scope.PIDs = []int{os.Getppid()}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "is not Lanner's") {
		t.Errorf("a tree: %v", err)
	}
	cfg.Scope = Scope{Host: true}
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !strings.Contains(notice, "is not Lanner's") {
		t.Errorf("notice %q", notice)
	}
	cmd := exec.Command("/bin/cat", "/proc/version")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	d.Stop()
	seen := make(map[event.Type]int)
	opened := false
	if err := drivertest.Drain(d, func(ev *event.Event) {
		if ev.Type() == event.ReadX && ev.Flags&event.StateOnly == 0 {
			t.Errorf("an event that was not asked for: %s", ev.Type())
		}
		if ev.TID() != int64(cmd.Process.Pid) {
			return
		}
		seen[ev.Type()]++
		if ev.Type() == event.OpenX || ev.Type() == event.OpenatX {
			opened = opened || drivertest.Text(t, ev, "name") == "/proc/version"
		}
	}); err != nil {
		t.Fatal(err)
	}
	if seen[event.ExecveX] != 1 || seen[event.ProcExitE] != 1 || seen[event.CloseX] == 0 || seen[event.CloseE] == 0 || !opened {
		t.Errorf("events %v, opened %v", seen, opened)
	}
	if s := d.Stats(); s.Total.Events == 0 {
		t.Errorf("counters %+v", s.Total)
	}
}
