package kmod

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/fetchtest"
	"github.com/lannerhq/lanner/internal/kmodtest"
	"github.com/lannerhq/lanner/internal/vmtest"
)

// Environment of the machines that take no module.
const envLocked = "LANNER_KMOD_LOCKED" // what trace says

// TestKernelsCommand builds the module and the classic probe as users do, has them fetched
// from a server, and loads them; and where kernels are locked down or take signed modules only.
func TestKernelsCommand(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "6.1" {
			continue
		}
		headers, version := k.Headers(t)
		programs, built, home := bin(t, k), t.TempDir(), t.TempDir()
		url, authority := fetchtest.Serve(t, http.FileServer(http.Dir(built)).ServeHTTP)
		build := func(args ...string) string {
			t.Helper()
			cmd := exec.Command(filepath.Join(programs, "trace"), append([]string{"driver", "build"}, args...)...)
			cmd.Env = append(os.Environ(), "HOME="+home, fetchtest.Variable+"="+authority)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("trace driver build: %v\n%s", err, out)
			}
			return string(out)
		}
		for _, h := range halves {
			file := filepath.Join(built, version, h.driver+"-"+h.edition())
			says := ": the " + map[string]string{"kmod": "module", "bpf": "classic probe"}[h.driver] + " for Linux " + version + ", schema "
			if out := build(h.args("--kernel", version, "--headers", headers, "-o", file)...); !strings.HasPrefix(out, file+says) {
				t.Errorf("%+v: %q", h, out)
			}
			if out := build(h.args("--kernel", version, "--url", url+"/{kernel}/{driver}-{profile}")...); !strings.HasPrefix(out, home+"/.lanner/") || !strings.Contains(out, says) {
				t.Errorf("%+v: %q", h, out)
			}
		}
		for name, c := range map[string]struct{ append, says string }{
			"signed":   {"module.sig_enforce=1", "takes no module that is not signed"},
			"lockdown": {"lockdown=confidentiality", "the kernel is locked down and takes only signed modules"},
			"free":     {"", ""},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				vm := vmtest.VM{
					Kernel: k, Append: c.append, Files: map[string]string{"/bin": programs, "/root": home}, Env: []string{envLocked + "=" + c.says},
				}
				run := "^TestLocked$"
				if c.says == "" {
					run = "^TestHome$"
				}
				for _, name := range vm.Test(t, "-test.run="+run) {
					t.Errorf("%s was skipped", name)
				}
			})
		}
	}
}

// halves are what trace driver can build.
var halves = []half{
	{"kmod", "current", false}, {"kmod", "0.36", false}, {"kmod", "0.36", true},
	{"bpf", "current", false}, {"bpf", "0.36", false},
}

type half struct {
	driver, profile string
	legacy          bool
}

// edition is {profile} in a URL.
func (h half) edition() string {
	if h.legacy {
		return "legacy"
	}
	return h.profile
}

// args are those of a command of trace driver.
func (h half) args(more ...string) []string {
	args := append([]string{h.driver, "--profile", h.profile}, more...)
	if h.legacy {
		args = append(args, "--legacy")
	}
	return args
}

// fails runs trace, which has to fail with one line.
func fails(t *testing.T, want string, args ...string) {
	t.Helper()
	out, complaints, code := runTrace(args...)
	if code != 125 || out != "" || strings.Count(complaints, "\n") != 1 || !strings.Contains(complaints, want) {
		t.Errorf("%v: %d %q %q, want a line with %q", args, code, out, complaints, want)
	}
}

// works runs trace, and returns what it prints.
func works(t *testing.T, args ...string) string {
	t.Helper()
	out, complaints, code := runTrace(args...)
	if code != 0 {
		t.Fatalf("%v: %d %q", args, code, complaints)
	}
	return out
}

// TestLocked: a kernel that takes no module of ours says why, and BPF is refused as well
// where it may not read the kernel's memory.
func TestLocked(t *testing.T) {
	says := os.Getenv(envLocked)
	if says == "" {
		t.Skip("for the virtual machines of TestKernelsCommand")
	}
	fails(t, says, "driver", "load", "kmod")
	fails(t, "kmod: the kernel module scap is not loaded (trace driver build kmod && trace driver load kmod)", "--driver", "kmod", "--host")
	if strings.Contains(says, "locked down") {
		fails(t, "locked down: BPF may not read its memory (boot with lockdown=integrity or none)", "--driver", "bpf", "true")
		fails(t, "locked down: BPF may not read its memory (boot with lockdown=integrity or none)", "--driver", "modern-bpf", "true")
	}
	fails(t, "the module scap is not loaded", "driver", "unload", "kmod")
}

// status is what trace driver status tells of a driver.
func status(t *testing.T, driver, profile string) (loaded, usable bool) {
	t.Helper()
	var list []struct {
		Driver, Profile string
		Loaded, Usable  bool
	}
	if err := json.Unmarshal([]byte(works(t, "driver", "status", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Driver == driver && a.Profile == profile {
			return a.Loaded, a.Usable
		}
	}
	t.Fatalf("no %s of profile %s in %+v", driver, profile, list)
	return false, false
}

// TestHome: what was fetched into the home directory is what load takes, and works.
func TestHome(t *testing.T) {
	if _, err := os.Stat("/root/.lanner/scap.ko"); err != nil {
		t.Skip("for the virtual machines of TestKernelsCommand")
	}
	for _, h := range halves {
		if loaded, usable := status(t, h.driver, h.profile); loaded || !usable {
			t.Errorf("%+v before: loaded %v, usable %v", h, loaded, usable)
		}
		says := map[string]string{"kmod": ".ko: loaded; ", "bpf": ".o: the kernel takes it; "}[h.driver] + "trace --driver " + h.driver
		if out := works(t, append([]string{"driver", "load"}, h.args()...)...); !strings.Contains(out, says) {
			t.Errorf("%+v: %q", h, out)
		}
		if loaded, usable := status(t, h.driver, h.profile); loaded != (h.driver == "kmod") || !usable {
			t.Errorf("%+v after load: loaded %v, usable %v", h, loaded, usable)
		}
		_, events, code := runTrace("--driver", h.driver, "--profile", h.profile, "-e", "execve", "--format", "%evt.type %evt.info", "true")
		if code != 0 || !strings.Contains(events, "execve res=0 exe=true ") {
			t.Errorf("%+v: %d %q", h, code, events)
		}
		works(t, "driver", "unload", h.driver)
	}
}

// TestDriverCommand: loading and unloading, and what is said where that fails.
func TestDriverCommand(t *testing.T) {
	needsModule(t, kmodtest.Current)
	if err := kmodtest.Unload(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(os.Getenv("LANNER_KMOD_MODULES"), kmodtest.Current, "scap.ko")
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(from, to string) string {
		t.Helper()
		if bytes.Count(image, []byte(from)) == 0 {
			t.Fatalf("no %q in the module", from)
		}
		name := filepath.Join(t.TempDir(), "scap.ko")
		if err := os.WriteFile(name, bytes.ReplaceAll(image, []byte(from), []byte(to)), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	load := []string{"driver", "load", "kmod", "--file"}
	fails(t, "schema 4.5.1, which is not that of profile 0.36", append(load, file, "--profile", "0.36")...)
	other := "9" + info.Release[1:]
	fails(t, "was built for Linux "+other+", and this is "+info.Release, append(load, changed("vermagic="+info.Release, "vermagic="+other))...)
	fails(t, "it was not built with its headers, see dmesg", append(load, changed(info.Release+" SMP", info.Release+" UPS"))...)
	fails(t, "this is no module of ours", append(load, changed("schema=4.", "schema=9."))...)
	cut := filepath.Join(t.TempDir(), "cut.ko")
	if err := os.WriteFile(cut, image[:len(image)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, "this is no module of ours", append(load, cut)...)

	works(t, append(load, file)...)
	fails(t, "a module scap is loaded already", append(load, file)...)
	if loaded, usable := status(t, "kmod", "current"); !loaded || !usable {
		t.Errorf("loaded %v, usable %v", loaded, usable)
	}
	d := openDevice(t, 0)
	fails(t, "the module scap is in use: end what reads /dev/scap*", "driver", "unload", "kmod")
	d.close()

	nobody := exec.Command("/bin/trace", "driver", "unload", "kmod")
	nobody.SysProcAttr = &unix.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := nobody.CombinedOutput(); err == nil || !strings.Contains(string(out), "run it as root (CAP_SYS_MODULE)") {
		t.Errorf("as nobody: %v %q", err, out)
	}
	works(t, "driver", "unload", "kmod")
	fails(t, "the module scap is not loaded", "driver", "unload", "kmod")
}
