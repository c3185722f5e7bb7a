package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// story is a program with processes, files, pipes, sockets and threads, and
// without dup2: sysdig 0.29.3 does not know the event, and is wrong about what
// it made.
const story = `
import os, socket, subprocess, sys, threading
d = sys.argv[1] + "/d"
os.mkdir(d)
for i in range(30):
    with open(d + "/f%d" % i, "w") as f: f.write("x" * i)
    os.rename(d + "/f%d" % i, d + "/g%d" % i)
    os.unlink(d + "/g%d" % i)
os.rmdir(d)
os.chdir("/etc")
print(len(open("passwd").read()) > 0, len(os.listdir(".")) > 0)
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
c.send(b"hello"); print(a.recv(9))
r, w = os.pipe()
os.write(w, b"y"); print(os.read(r, 1))
u, v = socket.socketpair()
u.send(b"z"); print(v.recv(1))
t = threading.Thread(target=lambda: open("/etc/hostname").read())
t.start(); t.join()
for i in range(5): subprocess.run(["git", "--version"])
try: open("/no/such/file")
except OSError as e: print(e)
`

// TestSysdig: captures of real programs in Debian's sysdig. It must say nothing
// on standard error, see every event of a type that it knows, and name processes
// and descriptors as we do. How values are rendered is compared elsewhere
// (internal/output), value by value.
func TestSysdig(t *testing.T) {
	need(t, "git", "/usr/bin/python3")
	for _, c := range []struct {
		profile string
		in      spec.Profile
		tool    func(testing.TB) *sysdigtest.Tool
		knows   event.Type // the first type that it does not know
		enters  bool       // it shows enter events
	}{
		{"0.36", spec.V036, bookworm, 336, true},
		// It makes events of the newer contract of them, in which most enter events
		// are merged into the exits.
		{"0.36", spec.V036, forky, 450, false},
	} {
		tool := c.tool(t)
		t.Run(tool.Version+" "+c.profile, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "story.scap")
			if got := run(t, traceBin, "-q", "-a", "--profile", c.profile, "-w", file, "/usr/bin/python3", "-c", story, t.TempDir()); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			const format = "%evt.time %thread.tid %evt.dir %evt.type %proc.name %fd.name"
			theirs := tool.Run(t, "-r", file, "-p", "*"+format)
			ours := run(t, traceBin, "-r", file, "--format", format)
			if ours.code != 0 || ours.err != "" {
				t.Fatalf("our own reader: %d %s", ours.code, ours.err)
			}
			compareStories(t, theirs, ours.out, c.knows, c.in, c.enters)
		})
	}
}

func bookworm(t testing.TB) *sysdigtest.Tool { return sysdigtest.Bookworm(t) }
func forky(t testing.TB) *sysdigtest.Tool    { return sysdigtest.Forky(t) }

// compareStories holds lines of sysdig against ours.
func compareStories(t *testing.T, theirs, ours string, knows event.Type, in spec.Profile, enters bool) {
	t.Helper()
	// Display names of types that it skips, of codes that the writer hides, and of
	// one that it calls sigreturn.
	unknown := map[string]bool{"unknown": true, "rt_sigreturn": true}
	for i := range spec.Events {
		if e := &spec.Events[i]; event.Type(i) >= knows && e.In&in != 0 {
			unknown[e.Name] = true
		}
	}
	seen := map[string]string{} // time, tid, dir, type -> rest
	for line := range strings.Lines(theirs) {
		f := strings.SplitN(strings.TrimRight(line, " \n"), " ", 5)
		if len(f) == 5 {
			seen[strings.Join(f[:4], " ")] = f[4]
		}
	}
	lines, missing, named := 0, 0, 0
	for line := range strings.Lines(ours) {
		f := strings.SplitN(strings.TrimRight(line, " \n"), " ", 5)
		if f[2] == ">" && !enters {
			continue
		}
		lines++
		rest, ok := seen[strings.Join(f[:4], " ")]
		switch {
		case !ok && !unknown[f[3]]:
			missing++
			if missing < 10 {
				t.Errorf("sysdig does not have %s", line)
			}
		case !ok, f[3] == "mmap", unknown[f[3]]:
			// mmap did not count as a user of descriptors then.
		case rest == f[4]:
			named++
		default:
			// What a skipped call made is without a name there: never with another.
			if _, name, _ := strings.Cut(rest, " "); name != "<NA>" && name != "" {
				t.Errorf("%s\nsysdig has %q, we %q", strings.Join(f[:4], " "), rest, f[4])
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d events are missing", missing, lines)
	}
	if lines < 2000 || named < lines*8/10 {
		t.Errorf("of %d events only %d are named alike", lines, named)
	}
	t.Logf("%d events, %d named alike", lines, named)
}
