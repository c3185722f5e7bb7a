package differential

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestMain(m *testing.M) {
	eventtest.Main()
	code := m.Run()
	for _, p := range posts {
		p.Close()
	}
	eventtest.Clean()
	os.Exit(code)
}

// tell reports a comparison, and fails the test for what is not allowed.
func tell(t *testing.T, a, b *Log) {
	t.Helper()
	r := Compare(a, b)
	for i, d := range r.Differences {
		if i == maxTold {
			t.Errorf("and %d more", len(r.Differences)-i)
			break
		}
		t.Error(d)
	}
	if r.Events == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d events in %s, %d in %s: %d events and %d parameters compared", a.Len(), a.Driver, b.Len(), b.Driver, r.Events, r.Params)
	for why, n := range r.Allowed {
		t.Logf("allowed %d times: %s", n, why)
	}
}

// scripts are real programs, run by a shell in a directory of their own.
var scripts = []struct{ name, needs, text string }{
	{"shell", "sh", `
		set -e; mkdir d; cd d
		for i in 1 2 3 4 5; do echo line $i > f$i; done
		cat f* | sort -r | tee all | wc -l; (cd /; pwd); ln -s all link; mv f1 g1; rm f2; chmod 600 f3
		find . -type f -exec stat {} + ; sleep 0.1 & wait; kill -0 $$; test "$(readlink link)" = all`},
	{"git", "git", `
		set -e; export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		git init -q r; cd r; echo one > a; git add a; git commit -qm one; git log --oneline | cat; git gc -q; git clone -q . ../copy`},
	{"python3", "python3", `python3 -c '
import json, os, socket, subprocess, sqlite3, threading, tempfile
a, b = socket.socketpair(); a.send(b"x"); b.recv(1)
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); d, _ = s.accept(); c.sendall(b"hello"); d.recv(10)
t = [threading.Thread(target=lambda: os.getpid()) for _ in range(4)]; [x.start() for x in t]; [x.join() for x in t]
subprocess.run(["true"]); db = sqlite3.connect("db"); db.execute("create table t(x)"); db.commit()
print(json.dumps(os.listdir("/")))'`},
	{"gcc", "gcc", `printf '#include <stdio.h>\nint main(void){puts("hi");return 0;}\n' > a.c && gcc -O2 -o a a.c && ./a`},
	{"apt-get", "apt-get", `apt-get --simulate install hello 2>&1 | tail -1; true`},
	{"nginx", "nginx", `
		cat > n.conf <<END
user root; daemon off; worker_processes 1; pid $PWD/pid; error_log $PWD/err; events {}
http { access_log off; client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f;
uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s; server { listen unix:$PWD/sock; root $PWD; } }
END
		echo hello > index.html; nginx -c $PWD/n.conf & 
		for i in 1 2 3 4 5 6 7 8 9; do test -S sock && break; sleep 0.2; done
		for i in 1 2 3; do curl -s --unix-socket sock http://x/index.html; done; kill $!; wait`},
}

// TestConformance compares the drivers on the programs of the conformance suite. Each
// driver's own tests hold events against what the programs state.
func TestConformance(t *testing.T) {
	needProbe(t)
	events, params := 0, 0
	allowed := make(map[string]int)
	eventtest.Run(t, eventtest.Driver{
		Limits:   eventtest.Limits{String: 4096, Iovecs: 1024, PollFDs: 227, Messages: 1024, ExecStrings: 4096},
		AtSign:   true,
		Unjudged: true,
		Only:     func(c *eventtest.Case) bool { return c.ABI != "x32" }, // see docs/ptrace-limits.md
		Trace: func(cfg eventtest.Config, path string, argv, env []string, _ func(*event.Event)) error {
			logs, err := watch(cfg, path, argv, env, ModernBPF)
			if err != nil {
				return err
			}
			if filepath.Base(path) == "signals" {
				logs[0].Ignored = []int64{int64(unix.SIGUSR2), int64(unix.SIGTERM)}
			}
			r := Compare(logs[0], logs[1])
			events, params = events+r.Events, params+r.Params
			for why, n := range r.Allowed {
				allowed[why] += n
			}
			if n := len(r.Differences); n > 0 {
				return fmt.Errorf("%d differences:\n%s", n, strings.Join(r.Differences[:min(n, maxTold)], "\n"))
			}
			return nil
		},
	})
	t.Logf("%d events and %d parameters compared", events, params)
	for why, n := range allowed {
		t.Logf("allowed %d times: %s", n, why)
	}
}

// maxTold differences are printed of one run.
const maxTold = 15

// TestPrograms compares the drivers on real programs.
func TestPrograms(t *testing.T) {
	needProbe(t)
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			if _, err := exec.LookPath(s.needs); err != nil {
				if _, err := os.Stat(filepath.Join("/usr/sbin", s.needs)); err != nil {
					skip(t, s.needs+" is not installed")
				}
			}
			run(t, "/bin/sh", func() []string { return []string{"sh", "-c", "cd " + t.TempDir() + "\n" + s.text} })
		})
	}
	t.Run("go", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		run(t, self, func() []string { return []string{self, "-test.run=^TestServer$", "-test.count=1"} })
	})
}

func run(t *testing.T, path string, argv func() []string) {
	t.Helper()
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		set, err := event.ParseSet("all", in)
		if err != nil {
			t.Fatal(err)
		}
		env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LC_") })
		env = append(env, "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin")
		logs, err := watch(eventtest.Config{Profile: in, Events: set, Snaplen: 80}, path, argv(), env, ModernBPF)
		if err != nil {
			t.Fatal(err)
		}
		tell(t, logs[0], logs[1])
	}
}

// needProbe skips a test where the probe can't be loaded.
func needProbe(t *testing.T) {
	t.Helper()
	set, err := event.ParseSet("close", spec.Current)
	if err != nil {
		t.Fatal(err)
	}
	d, err := bpf.Open(bpf.Config{Profile: spec.Current, Events: set, Scope: bpf.Scope{PIDs: []int{os.Getppid()}}})
	if err != nil {
		skip(t, fmt.Sprintf("the modern probe can't be loaded: %v", err))
	}
	d.Close()
}

// skip skips a test for want of something, or fails it where everything is to be
// tested.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why + "; with CI=true or LANNER_TEST_ALL=1 this is a failure")
}
