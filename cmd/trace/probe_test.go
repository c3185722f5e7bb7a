package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel"
)

// probeJSON runs trace probe, started by way of other programs.
func probeJSON(t *testing.T, way ...string) (r probeReport) {
	t.Helper()
	got := run(t, append(way, traceBin, "probe", "--json")...)
	if got.code != 0 || got.err != "" {
		t.Fatalf("%v: %+v", way, got)
	}
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatalf("%v\n%s", err, got.out)
	}
	return r
}

// TestProbe: the table and the JSON say the same, one line a driver.
func TestProbe(t *testing.T) {
	r := probeJSON(t)
	got := run(t, traceBin, "probe")
	lines := strings.Split(got.out, "\n")
	want := []string{kernel.Ptrace, kernel.ModernBPF, kernel.ClassicBPF, kernel.Module}
	if got.code != 0 || got.err != "" || len(lines) < 8 || len(r.Drivers) != len(want) {
		t.Fatalf("%+v\n%+v", got, r)
	}
	for i, v := range r.Drivers {
		line := lines[1+i]
		f := strings.Fields(line)
		if v.Driver != want[i] || f[0] != v.Driver || (f[1] == "yes") != v.Usable || v.Usable == (v.Why != "") ||
			!strings.Contains(line, v.Why) || !strings.Contains(line, v.Change) {
			t.Errorf("%q, but JSON has %+v", line, v)
		}
	}
	for _, f := range r.Facts {
		if !strings.Contains(got.out, f.Name) {
			t.Errorf("the table lacks %s", f.Name)
		}
	}
	if strings.Contains(got.out, "\x1b") {
		t.Error("colours, but not at a terminal")
	}
}

// TestProbeChoice: what probe says auto comes to.
func TestProbeChoice(t *testing.T) {
	r := probeJSON(t)
	if v := r.Drivers[0]; !v.Usable || r.Chosen.Command != kernel.Ptrace {
		t.Errorf("ptrace is not the choice where it can be used: %+v", r)
	}
	if r.Drivers[1].Usable != (r.Chosen.Host == kernel.ModernBPF) {
		t.Errorf("modern-bpf: %+v, chosen %+v", r.Drivers[1], r.Chosen)
	}
	// Under another tracer ptrace is not to be had.
	need(t, "strace")
	r = probeJSON(t, "strace", "-f", "-qq", "-o", "/dev/null")
	if v := r.Drivers[0]; v.Usable || !strings.Contains(v.Why, "traces it already") || r.Chosen.Command == kernel.Ptrace {
		t.Errorf("under strace: %+v, chosen %+v", v, r.Chosen)
	}
}

// nobody starts a program as a user without any rights, or with some capabilities
// and no others.
func nobody(caps ...string) []string {
	set := "-all"
	for _, c := range caps {
		set += ",+" + c
	}
	return []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=" + set, "--ambient-caps=" + set, "--bounding-set=" + set}
}

// TestProbeWithout: where less may be done the table says what and why.
func TestProbeWithout(t *testing.T) {
	needRoot(t)
	need(t, "setpriv", "unshare")
	r := probeJSON(t, nobody()...)
	if v := r.Drivers[1]; v.Usable || !strings.Contains(v.Why, "trace lacks CAP_BPF and CAP_PERFMON") ||
		!strings.Contains(v.Change, "cap_bpf,cap_perfmon,cap_sys_ptrace+ep") || r.Chosen.Host != "" {
		t.Errorf("as nobody: %+v, chosen %+v", v, r.Chosen)
	}
	if !blind(r, kernel.Ptrace, "other users") {
		t.Errorf("as nobody: blind %+v", r.Blind)
	}
	r = probeJSON(t, nobody("perfmon")...)
	if v := r.Drivers[1]; v.Usable || v.Why != "trace lacks CAP_BPF" {
		t.Errorf("with CAP_PERFMON alone: %+v", v)
	}
	r = probeJSON(t, "unshare", "-pf", "--mount-proc")
	if !blind(r, kernel.Ptrace, "outside of this PID namespace") || !blind(r, kernel.Ptrace, "kubectl exec") {
		t.Errorf("in a PID namespace: blind %+v", r.Blind)
	}
	r = probeJSON(t, "unshare", "-Ur")
	if v := r.Drivers[1]; v.Usable || !strings.Contains(v.Why, "user namespace") {
		t.Errorf("in a user namespace: %+v", v)
	}
	r = probeJSON(t, append([]string{"env", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE"}, nobody()...)...)
	if v := r.Drivers[1]; v.Change != "nothing: Fargate grants no capability but SYS_PTRACE" {
		t.Errorf("on Fargate: %+v", v)
	}
}

func blind(r probeReport, driver, what string) bool {
	for _, b := range r.Blind {
		if b.Driver == driver && strings.Contains(b.What, what) {
			return true
		}
	}
	return false
}

// TestProbeColors: at a terminal, unless the user wants none.
func TestProbeColors(t *testing.T) {
	for _, c := range []struct {
		env    []string
		colors bool
	}{{[]string{"TERM=xterm"}, true}, {[]string{"TERM=xterm", "NO_COLOR=1"}, false}, {[]string{"TERM=dumb"}, false}} {
		term, cmd := onTerminal(t, append(append([]string{"env", "-u", "NO_COLOR"}, c.env...), traceBin, "probe")...)
		term.expect("platform")
		cmd.Wait()
		term.mu.Lock()
		text := term.text.String()
		term.mu.Unlock()
		if strings.Contains(text, green+"yes"+noColor) != c.colors || strings.Contains(text, "\x1b") != c.colors {
			t.Errorf("%v: %q", c.env, text)
		}
	}
}

// TestProbeText: the tables with all that they can have.
func TestProbeText(t *testing.T) {
	r := &probeReport{
		Drivers: []kernel.Verdict{{Driver: kernel.Ptrace, Why: "refused", Change: "allow it"}, {Driver: kernel.ModernBPF, Usable: true}},
		Blind:   []kernel.Blind{{Driver: kernel.ModernBPF, What: "behind a wall", Change: "a door"}},
		Chosen:  choices{Host: kernel.ModernBPF},
		Facts:   []kernel.Fact{{Name: "glass", Since: "5.0", Value: "yes"}},
	}
	want := `DRIVER      USABLE  WHY NOT  WHAT TO CHANGE
ptrace      ` + red + "no" + noColor + `      refused  allow it
modern-bpf  ` + green + "yes" + noColor + `

A COMMAND and -p would be traced by none, --host and --cgroup by modern-bpf.

DRIVER      WOULD NOT SEE  WHAT TO CHANGE
modern-bpf  behind a wall  a door

FACT   SINCE LINUX  HERE
glass  5.0          yes
`
	if got := r.text(true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFullOutput: what can't be printed is an error.
func TestFullOutput(t *testing.T) {
	for _, command := range []string{"probe", "probe --json", "list events"} {
		got := run(t, "sh", "-c", traceBin+" "+command+" >/dev/full")
		if got.code != 125 || !strings.Contains(got.err, "no space left on device") {
			t.Errorf("%s: %+v", command, got)
		}
	}
}
