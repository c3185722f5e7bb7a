//go:build cgo

package main_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/output"
	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
)

// What is built once: the plugin, the host that plays Falco, under the address
// sanitizer, what makes sysdig open plugins as Falco does, and the tracer.
var pluginLib, hostBin, platformLib, traceBin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "falcoplugin-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		pluginLib, hostBin = filepath.Join(dir, "liblanner.so"), filepath.Join(dir, "host")
		platformLib, traceBin = filepath.Join(dir, "platform.so"), filepath.Join(dir, "trace")
		for _, cmd := range []*exec.Cmd{
			exec.Command("go", "build", "-buildmode=c-shared", "-o", pluginLib, "."),
			exec.Command("gcc", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
				"-o", hostBin, "testdata/host.c", "-ldl", "-lpthread"),
			exec.Command("gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", platformLib, "testdata/platform.c", "-ldl"),
			exec.Command("go", "build", "-o", traceBin, "../trace"),
		} {
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n%s", cmd, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// A host is a program that has loaded the plugin.
type host struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // of standard output
	notes chan string // of standard error
}

// timeout is for whatever must not hang.
const timeout = time.Minute

func start(t *testing.T, cmd *exec.Cmd, more ...*os.File) *host {
	t.Helper()
	cmd.ExtraFiles = more
	h := &host{t: t, cmd: cmd, lines: make(chan string, 1<<16), notes: make(chan string, 1<<10)}
	var err error
	if h.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	notes, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	read := func(r io.Reader, to chan string) {
		defer close(to)
		for lines := bufio.NewReader(r); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			to <- strings.TrimSuffix(line, "\n")
		}
	}
	go read(out, h.lines)
	go read(notes, h.notes)
	return h
}

// next returns the next line of a channel; ok is false at its end.
func (h *host) next(from chan string) (line string, ok bool) {
	h.t.Helper()
	select {
	case line, ok = <-from:
		return line, ok
	case <-time.After(timeout):
		h.t.Fatalf("%v says nothing for %v", h.cmd.Args, timeout)
		return "", false
	}
}

// until waits for a note with a text.
func (h *host) until(want string) {
	h.t.Helper()
	var seen []string
	for {
		line, ok := h.next(h.notes)
		if !ok {
			h.t.Fatalf("%v ended without %q; it said\n%s", h.cmd.Args, want, strings.Join(seen, "\n"))
		}
		if seen = append(seen, line); strings.Contains(line, want) {
			return
		}
	}
}

// end waits for the end and returns what is left of both outputs.
func (h *host) end() (lines, notes []string) {
	h.t.Helper()
	h.in.Close()
	for line, ok := h.next(h.lines); ok; line, ok = h.next(h.lines) {
		lines = append(lines, line)
	}
	for line, ok := h.next(h.notes); ok; line, ok = h.next(h.notes) {
		notes = append(notes, line)
	}
	if err := h.cmd.Wait(); err != nil {
		h.t.Fatalf("%v: %v\n%s", h.cmd.Args, err, strings.Join(notes, "\n"))
	}
	return lines, notes
}

// play runs the C host.
func play(t *testing.T, args ...string) *host {
	t.Helper()
	return start(t, exec.Command(hostBin, append([]string{pluginLib}, args...)...))
}

// listen is an address that nobody else has.
func listen(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "s") }

// tracer runs a shell script under trace, which sends its events to an address.
func tracer(t *testing.T, addr string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(traceBin, append([]string{"-w", addr, "--stream-wait", timeout.String(), "--stream-full", "block"}, args...)...)
	return cmd
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func TestInfo(t *testing.T) {
	lines, _ := play(t, "info").end()
	if len(lines) < 10 || lines[0] != "lanner" || lines[3] != "{" || !strings.Contains(lines[len(lines)-2], "tcp:127.0.0.1:7070") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

// TestBadConfig: what is wrong is said in one line.
func TestBadConfig(t *testing.T) {
	for _, c := range [][]string{
		{"{}", listen(t), "fine"},
		{`{"profile":"0.35"}`, "", `unknown profile "0.35"`},
		{`{"colour":"red"}`, "", `unknown field "colour"`},
		{"profile: current", "", "not the object"},
		{"", "/run/lanner.sock", "not an address"},
		{"", "tcp:0.0.0.0:7070", "token_file"},
	} {
		args := []string{"init", c[0]}
		if c[1] != "" {
			args = append(args, c[1])
		}
		lines, _ := play(t, args...).end()
		if len(lines) != 1 || !strings.Contains(lines[0], c[2]) {
			t.Errorf("%q: got %q, want one line with %q", c[:2], lines, c[2])
		}
	}
}

// TestOrder: calls out of order, and two instances in two threads.
func TestOrder(t *testing.T) {
	a, b := listen(t), listen(t)
	h := play(t, "order", "{}", a, b)
	h.until("open")
	for _, addr := range []string{a, b} {
		mustRun(t, tracer(t, addr, "-q", "--stream-full", "drop", "true")) // the host may be gone before its end
	}
	h.end()
}

// inherited are descriptors that were open before the first event, of which events
// cannot tell.
var inherited = regexp.MustCompile(`\(<\w>(pipe:\[\d+\]|/dev/null)\)`)

// TestEvents: a host sees the very events that the tracer saw, with the same names.
func TestEvents(t *testing.T) {
	for _, profile := range []string{"current", "0.36"} {
		t.Run(profile, func(t *testing.T) {
			const format = "%evt.rawtime %thread.tid %evt.dir %evt.type %proc.name %proc.pid %evt.info"
			addr, text := listen(t), filepath.Join(t.TempDir(), "text")
			h := play(t, "run", `{"profile":"`+profile+`"}`, addr)
			h.until("open")
			cmd := tracer(t, addr, "-a", "--profile", profile, "-o", text, "--format", format, "--",
				"sh", "-c", "cd "+t.TempDir()+"; cat /etc/hostname >a; for i in 1 2 3; do cat a a >b; mv b a; done; rm a")
			mustRun(t, cmd)
			want, err := os.ReadFile(text)
			if err != nil {
				t.Fatal(err)
			}
			lines, notes := h.events(lastTime(t, string(want)))
			st := state.New(procfs.Scan([]int{}, nil)) // users, which a host knows itself
			var got bytes.Buffer
			w, err := output.NewFormat(&got, format, output.Options{})
			if err != nil {
				t.Fatal(err)
			}
			own := false // events of the tracee itself, behind those that tell what there was
			for _, line := range lines {
				ev := parse(t, line)
				st.Apply(&ev)
				if own = own || ev.Type() != event.CloneX && ev.Type() != event.GetcwdX; own {
					if err := w.Write(&ev, st); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.Flush()
			compare(t, inherited.ReplaceAllString(got.String(), ""), inherited.ReplaceAllString(string(want), ""))
			counts := strings.Join(notes, "\n")
			if !strings.Contains(counts, fmt.Sprintf("n_evts %d\n", len(lines))) || !strings.Contains(counts, "n_drops 0\n") {
				t.Errorf("%d events; it counted\n%s", len(lines), counts)
			}
		})
	}
}

// parse reads a line of the C host.
func parse(t *testing.T, line string) (ev event.Event) {
	t.Helper()
	data, err := hex.DecodeString(line)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := ev.Parse(data); err != nil || n != len(data) {
		t.Fatalf("%d of %d bytes: %v", n, len(data), err)
	}
	return ev
}

// lastTime returns the time of the last line, with which it begins.
func lastTime(t *testing.T, text string) uint64 {
	t.Helper()
	text = strings.TrimSpace(text)
	ts, err := strconv.ParseUint(strings.Fields(text[strings.LastIndexByte(text, '\n')+1:])[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// events returns the lines of a host up to an event with a time, and lets it end.
func (h *host) events(last uint64) (lines, notes []string) {
	h.t.Helper()
	for found := false; !found; {
		line, ok := h.next(h.lines)
		if !ok {
			h.t.Fatal("the last event is missing")
		}
		lines = append(lines, line)
		ev := parse(h.t, line)
		found = ev.TS() == last
	}
	rest, notes := h.end()
	return append(lines, rest...), notes
}

// compare holds lines against each other. Calls without events of their own that
// Debian's sysdig 0.29 does not know are sent without their name in edition 0.36.
func compare(t *testing.T, got, want string) {
	t.Helper()
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(a) != len(b) || len(b) < 300 {
		t.Errorf("%d events, the tracer printed %d", len(a), len(b))
	}
	for i := range min(len(a), len(b)) {
		if f := strings.Fields(a[i]); len(f) > 3 && f[3] == "unknown" {
			f[3] = strings.Fields(b[i])[3]
			a[i] = strings.Join(f, " ")
		}
		if a[i] != b[i] {
			t.Fatalf("event %d:\ngot  %s\nwant %s", i+1, a[i], b[i])
		}
	}
}

// TestOtherEdition: a tracer of another edition than the host's is sent away.
func TestOtherEdition(t *testing.T) {
	addr := listen(t)
	h := play(t, "run", "{}", addr)
	h.until("open")
	cmd := exec.Command(traceBin, "-q", "-w", addr, "--profile", "0.36", "true")
	mustRun(t, cmd)
	h.until("start it with --profile current")
	if lines, _ := h.end(); len(lines) != 0 {
		t.Errorf("%d events", len(lines))
	}
}

// TestDeaf: a host that ignores SIGPIPE goes on where nobody reads its standard error.
func TestDeaf(t *testing.T) {
	addr, text := listen(t), filepath.Join(t.TempDir(), "text")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	h := start(t, exec.Command("sh", "-c", `trap "" PIPE; exec "$@" 2>&3`, "sh", hostBin, pluginLib, "run", "{}", addr), w)
	mustRun(t, tracer(t, addr, "-o", text, "--format", "%evt.rawtime", "true"))
	want, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	h.events(lastTime(t, string(want)))
}

// TestToken: with a secret only who knows it is heard.
func TestToken(t *testing.T) {
	addr, secret := listen(t), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("sixteen bytes at least"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := play(t, "run", `{"token_file":"`+secret+`"}`, addr)
	h.until("open")
	mustRun(t, exec.Command(traceBin, "-q", "-w", addr, "true"))
	h.until("closed")
	text := filepath.Join(t.TempDir(), "text")
	mustRun(t, tracer(t, addr, "--token-file", secret, "-o", text, "--format", "%evt.rawtime", "true"))
	want, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	h.events(lastTime(t, string(want)))
}

// config is the configuration of docs/falco-plugin.md, for this library and an address.
func config(t *testing.T, addr string) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/falco-plugin.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	yaml, _, ok := strings.Cut(rest, "```")
	for key, value := range map[string]string{"library_path": pluginLib, "open_params": addr} {
		line := regexp.MustCompile(key + ": .*")
		ok = ok && line.MatchString(yaml)
		yaml = line.ReplaceAllString(yaml, key+": "+value)
	}
	name := filepath.Join(t.TempDir(), "falco.yaml")
	if err := os.WriteFile(name, []byte(yaml), 0o600); err != nil || !ok {
		t.Fatalf("%v\n%s", err, yaml)
	}
	return name
}

// TestSysdig: the libraries of Falco, in Debian's sysdig, load the plugin, open it as
// Falco does, and name processes and files.
func TestSysdig(t *testing.T) {
	tool := sysdigtest.Forky(t)
	addr, text := listen(t), filepath.Join(t.TempDir(), "text")
	const format = "%thread.tid %evt.type %proc.name %proc.pname %proc.exepath %fd.name"
	cmd := tool.Command("--unbuffered", "--plugin-config-file", config(t, addr), "-I", "lanner:"+addr, "-p", "*"+format)
	cmd.Env = append(cmd.Env, "LD_PRELOAD="+platformLib)
	h := start(t, cmd)
	mustRun(t, tracer(t, addr, "-e", "execve,openat,close,procexit", "-o", text, "--format", "%evt.dir "+format, "--",
		"sh", "-c", "cat /etc/hostname; ls /etc; exec cat /etc/hostname"))
	h.until("ended")
	want, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	// It has more: the events that keep names, and those that tell what there was; but it
	// does not show where calls begin.
	var missing, got []string
	for line := range strings.Lines(string(want)) {
		dir, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		inherited := strings.HasSuffix(rest, "]") || strings.HasSuffix(rest, "/dev/null")
		if (dir == "<" || strings.Contains(rest, " procexit ")) && !inherited {
			missing = append(missing, rest)
		}
	}
	for last := missing[len(missing)-1]; len(got) == 0 || got[len(got)-1] != last; {
		line, ok := h.next(h.lines)
		if !ok {
			t.Fatalf("it ended behind\n%s", strings.Join(got, "\n"))
		}
		got = append(got, strings.TrimSpace(line))
	}
	for _, line := range got {
		if len(missing) > 0 && line == missing[0] {
			missing = missing[1:]
		}
	}
	if len(missing) > 0 {
		t.Errorf("%s\nand %d more events are missing among\n%s", missing[0], len(missing)-1, strings.Join(got, "\n"))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	h.end()
}
