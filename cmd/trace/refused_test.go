package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lannerhq/lanner/internal/lacktest"
	"github.com/lannerhq/lanner/kernel"
)

// denying starts programs under a filter that refuses calls, as a container's
// profile does.
func denying(t *testing.T, calls string) []string {
	t.Helper()
	deny := filepath.Join(t.TempDir(), "deny")
	if r := run(t, "gcc", "-O1", "-o", deny, "testdata/deny.c"); r.code != 0 {
		t.Fatal(r.err)
	}
	return []string{deny, calls}
}

// TestFallback: where ptrace is refused a kernel driver takes over, and one line
// says so.
func TestFallback(t *testing.T) {
	needModern(t)
	noPtrace := append(denying(t, "ptrace"), traceBin)
	got := run(t, append(noPtrace, "-e", "procexit", "--format", "%evt.type", "sh", "-c", "exit 5")...)
	want := "trace: using modern-bpf; ptrace: cannot trace /usr/bin/sh: a seccomp filter over trace refuses ptrace (a container's profile that does not allow it)\nprocexit\n"
	if got.code != 5 || got.err != want {
		t.Errorf("a command: %+v\nwant %q", got, want)
	}
	if got := run(t, append(noPtrace, "-q", "sh", "-c", "exit 5")...); got.code != 5 || got.err != "" {
		t.Errorf("-q: %+v", got)
	}
	if got := run(t, append(noPtrace, "--driver", "ptrace", "true")...); got.code != 125 || !strings.Contains(got.err, "refuses ptrace") || strings.Contains(got.err, "modern-bpf") {
		t.Errorf("--driver ptrace: %+v", got)
	}
	victim := exec.Command("sleep", "1")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	go victim.Wait()
	got = run(t, append(noPtrace, "-e", "procexit", "--format", "%evt.type", "-p", strconv.Itoa(victim.Process.Pid))...)
	if got.code != 0 || got.out != "procexit\n" || !strings.HasPrefix(got.err, "trace: using modern-bpf; ptrace: cannot trace process") {
		t.Errorf("-p: %+v", got)
	}
	// The first choice goes without saying.
	if got := run(t, traceBin, "-e", "procexit", "--format", "%evt.type", "true"); got.err != "procexit\n" {
		t.Errorf("ptrace: %+v", got)
	}
}

// TestNowhere: where events have nowhere to go, the command is run only if that was asked
// for, and finds no trace of the attempt: it has no child.
func TestNowhere(t *testing.T) {
	const script = "read children </proc/$$/task/$$/children; echo \"[$children]\"; exit 4"
	for _, driver := range []string{"ptrace", "modern-bpf"} {
		t.Run(driver, func(t *testing.T) {
			needDriver(t, []string{driver})
			for _, to := range [][]string{{"-o", "/no/such/dir/x"}, {"-w", "/no/such/dir/x"}} {
				with := append([]string{traceBin, "--driver", driver}, to...)
				got := run(t, append(with, "sh", "-c", script)...)
				if got.code != 125 || got.out != "" || !strings.Contains(got.err, "/no/such/dir/x") || strings.Count(got.err, "\n") != 1 {
					t.Errorf("%q: %+v", to, got)
				}
				got = run(t, append(with, "--on-failure", "run", "sh", "-c", script)...)
				if got.code != 4 || got.out != "[]\n" || !strings.HasSuffix(got.err, "; running sh untraced\n") || strings.Count(got.err, "\n") != 1 {
					t.Errorf("%q, --on-failure run: %+v", to, got)
				}
			}
		})
	}
}

// TestNothingWorks: where all is refused one line says why for each, and the
// command is run only if that was asked for.
func TestNothingWorks(t *testing.T) {
	needModern(t)
	none := append(denying(t, "ptrace,bpf"), traceBin)
	got := run(t, append(none, "sh", "-c", "echo ran")...)
	for _, part := range []string{
		"trace: cannot trace /usr/bin/sh: a seccomp filter over trace refuses ptrace",
		"; modern-bpf: a seccomp filter over trace refuses bpf(2) (",
		"; bpf: ",
		"; kmod: the kernel module scap is not loaded",
		"(--on-failure run would start it untraced)\n",
	} {
		if got.code != 125 || got.out != "" || !strings.Contains(got.err, part) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%+v\nwant %q", got, part)
		}
	}
	if got := run(t, append(none, "--on-failure", "run", "sh", "-c", "echo ran; exit 4")...); got.code != 4 || got.out != "ran\n" || !strings.Contains(got.err, "untraced") {
		t.Errorf("--on-failure run: %+v", got)
	}
	if got := run(t, append(none, "--host")...); got.code != 125 || !strings.HasPrefix(got.err, "trace: modern-bpf: a seccomp filter") {
		t.Errorf("--host: %+v", got)
	}
	r := probeJSON(t, none[:2]...)
	if r.Chosen != (choices{}) || r.Drivers[0].Usable || !strings.Contains(r.Drivers[0].Change, "allow ptrace") || !strings.Contains(r.Drivers[1].Change, "allow bpf") {
		t.Errorf("trace probe: %+v", r)
	}
}

// TestModernRefused: what else may be missing on a kernel, brought about by an
// strace that answers in the kernel's place.
func TestModernRefused(t *testing.T) {
	needModern(t)
	need(t, "strace", "unshare")
	for name, c := range map[string]struct {
		way  []string
		want string
	}{
		"no BPF":          {[]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=bpf:error=ENOSYS"}, "this kernel has no BPF ring buffer (use Linux 5.8 or later, with CONFIG_BPF_SYSCALL"},
		"security module": {[]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=bpf:error=EPERM"}, "bpf(2) is refused in spite of CAP_BPF and CAP_PERFMON"},
		"descriptors":     {[]string{"sh", "-c", `ulimit -n 77; exec "$@"`, "sh"}, "trace may open 77 files"},
		"user namespace":  {[]string{"unshare", "-Ur"}, "capabilities of a user namespace do not reach BPF"},
	} {
		got := run(t, append(c.way, modern("true")...)...)
		if want := "trace: " + kernel.ModernBPF + ": " + c.want; got.code != 125 || !strings.HasPrefix(got.err, want) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: %+v\nwant %q", name, got, want)
		}
	}
}

// TestKernelLacks: on a kernel without BTF, or without BPF ring buffers, the modern probe is
// refused in one line that says so, before anything is begun; auto takes another driver,
// and probe tells the same. All else that is known of the kernel is as it was.
func TestKernelLacks(t *testing.T) {
	needModern(t)
	here := facts(probeJSON(t))
	for name, c := range map[string]struct {
		way         []string
		why, change string
		facts       map[string]string
	}{
		"no BTF": {
			lacktest.NoBTF(t), "this kernel does not tell its types (no /sys/kernel/btf/vmlinux)", "use a kernel with CONFIG_DEBUG_INFO_BTF",
			map[string]string{kernel.BTF.Name: "no", kernel.TracingBTF.Name: "no"},
		},
		"no ring buffer": {
			lacktest.NoMaps(t, ebpf.RingBuf), "this kernel has no BPF ring buffer", "use Linux 5.8 or later, with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS",
			map[string]string{kernel.RingBuffer.Name: "no", "seccomp over trace": "filter"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			traced := func(args ...string) result { return run(t, append(append(c.way, traceBin), args...)...) }
			no := kernel.Verdict{Driver: kernel.ModernBPF, Why: c.why, Change: c.change}
			refused := result{code: 125, err: "trace: " + no.String() + " (--on-failure run would start it untraced)\n"}
			dir := t.TempDir()
			got := traced("--driver", kernel.ModernBPF, "-w", filepath.Join(dir, "capture"), "-o", filepath.Join(dir, "text"), "touch", filepath.Join(dir, "ran"))
			if left, err := os.ReadDir(dir); got != refused || err != nil || len(left) != 0 {
				t.Errorf("%+v\nwant %+v; it left %v, %v", got, refused, left, err)
			}
			command := []string{"-e", "procexit", "--format", "%evt.type", "sh", "-c", "echo hi; exit 3"}
			if got, want := traced(command...), (result{out: "hi\n", err: "procexit\n", code: 3}); got != want {
				t.Errorf("auto: %+v\nwant %+v", got, want)
			}
			r := probeJSON(t, c.way...)
			if r.Drivers[1] != no || r.Chosen.Command != kernel.Ptrace || r.Chosen.Host == kernel.ModernBPF {
				t.Errorf("trace probe: %+v", r)
			}
			want := maps.Clone(here)
			maps.Copy(want, c.facts)
			if got := facts(r); !maps.Equal(got, want) {
				t.Errorf("facts: %v\nwant %v", got, want)
			}
			// ptrace does not know --dynamic-snaplen.
			if got, want := traced(append([]string{"--dynamic-snaplen"}, command...)...), nextDriver(r); got != want {
				t.Errorf("auto, without ptrace: %+v\nwant %+v", got, want)
			}
		})
	}
	// The filter is not why.
	if got := run(t, append(lacktest.NoMaps(t, ebpf.StackTrace), modern("-q", "sh", "-c", "exit 3")...)...); got != (result{code: 3}) {
		t.Errorf("without maps that the probe has no use for: %+v", got)
	}
}

func facts(r probeReport) map[string]string {
	all := make(map[string]string)
	for _, f := range r.Facts {
		all[f.Name] = f.Value
	}
	return all
}

// nextDriver is what comes of TestKernelLacks' command where the kernel's drivers alone may
// be taken: the first that can be, with what speaks against those before it.
func nextDriver(r probeReport) result {
	var reasons []string
	for _, v := range r.Drivers[1:] {
		if v.Usable {
			return result{out: "hi\n", err: "trace: using " + v.Driver + "; " + strings.Join(reasons, "; ") + "\nprocexit\n", code: 3}
		}
		reasons = append(reasons, v.String())
	}
	return result{err: "trace: " + strings.Join(reasons, "; ") + " (--on-failure run would start it untraced)\n", code: 125}
}
