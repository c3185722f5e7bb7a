package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
)

// TestOpenOrder: auto goes through the drivers in order, says what spoke against
// each, and stops at the first that works; a name stands for one driver.
func TestOpenOrder(t *testing.T) {
	saved := candidates
	defer func() { candidates = saved }()
	fine := func(*Machine) (string, string) { return "", "" }
	bad := func(Config) (Driver, error) { return nil, errors.New("bpf: no luck") }
	good := func(Config) (Driver, error) { return new(bpf.Driver), nil }
	candidates = []candidate{
		{"first", fine, bad},
		{"second", func(*Machine) (string, string) { return "lacks a thing", "give it" }, bad},
		{"third", func(*Machine) (string, string) { return "not here", "" }, bad},
		{"fourth", fine, good},
		{"fifth", fine, good},
	}
	d, name, skipped, err := Open(Auto, Config{})
	if err != nil || d == nil || name != "fourth" {
		t.Fatalf("auto: %v %v", name, err)
	}
	if got, want := fmt.Sprint(skipped), "[first: no luck second: lacks a thing (give it) third: not here]"; got != want {
		t.Errorf("skipped %s, want %s", got, want)
	}
	if _, name, skipped, err := Open("fifth", Config{}); name != "fifth" || len(skipped) != 0 || err != nil {
		t.Errorf("fifth: %s %v %v", name, skipped, err)
	}
	if _, _, _, err := Open("second", Config{}); err == nil || err.Error() != "second: lacks a thing (give it)" {
		t.Errorf("second: %v", err)
	}
	candidates = candidates[:3]
	if _, _, _, err := Open(Auto, Config{}); err == nil ||
		err.Error() != "first: no luck; second: lacks a thing (give it); third: not here" {
		t.Errorf("none: %v", err)
	}
}

// TestKeepLog: what the verifier says is kept, and the line that users see says
// where.
func TestKeepLog(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := candidate{"probe", func(*Machine) (string, string) { return "", "" }, nil}
	refused := &ebpf.VerifierError{Cause: unix.EACCES, Log: []string{"0: (b7) r0 = 0", "R1 invalid mem access"}}
	v := c.explain(fmt.Errorf("bpf: the kernel refuses a program: %w", refused))
	if !strings.HasPrefix(v.Why, "the kernel refuses a program") {
		t.Errorf("%+v", v)
	}
	i := strings.Index(v.Change, os.Getenv("TMPDIR"))
	if i < 0 {
		t.Fatalf("%+v", v)
	}
	text, err := os.ReadFile(v.Change[i:])
	if err != nil || !strings.Contains(string(text), "0: (b7) r0 = 0\n") || !strings.Contains(string(text), "R1 invalid mem access") {
		t.Errorf("log %q %v", text, err)
	}
	if v := c.explain(errors.New("bpf: another error")); v.Change != "" || v.Why != "another error" {
		t.Errorf("%+v", v)
	}
}

// TestRefused: if the verifier refuses a program, all that it says is in the file that
// the one line for users names.
func TestRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if RingBuffer.Here() != Present {
		t.Skip("programs can't be loaded here")
	}
	saved := candidates
	defer func() { candidates = saved }()
	fine := func(*Machine) (string, string) { return "", "" }
	candidates = []candidate{{"probe", fine, func(Config) (Driver, error) {
		_, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_exit", License: "GPL",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R1, 0), asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord), asm.Return()},
		})
		return nil, fmt.Errorf("bpf: %w", err)
	}}}
	_, _, _, err := Open(Auto, Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "probe: ") {
		t.Fatal(err)
	}
	_, name, ok := strings.Cut(err.Error(), "please report it with ")
	text, readErr := os.ReadFile(strings.TrimSuffix(name, ")"))
	if !ok || readErr != nil || !strings.Contains(string(text), "invalid mem access") || !strings.Contains(string(text), "r1 = 0") {
		t.Errorf("%v; the log is %q, %v", err, text, readErr)
	}
}
