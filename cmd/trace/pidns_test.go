package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestModernPIDNS: in a PID namespace of our own the modern probe's events and what
// /proc there says of processes fit together.
func TestModernPIDNS(t *testing.T) {
	needModern(t)
	const before = "read x </etc/hostname; cat /dev/zero >/dev/null & cd /; "
	trace := traceBin + " --driver modern-bpf -n 20 --format '%evt.type %proc.name %proc.pid %proc.vpid %proc.cwd %fd.name' "
	for name, script := range map[string]string{
		"process": before + trace + "-e read -p $!; kill $!",
		"machine": before + trace + "-e read --host; kill $!",
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "unshare", "-pf", "--mount-proc", "sh", "-c", script)
			if got.code != 0 || got.err != "" {
				t.Fatalf("%+v", got)
			}
			seen := false
			for line := range strings.Lines(got.out) {
				f := strings.Fields(line)
				if len(f) == 6 && f[0] == "read" && f[1] == "cat" && f[5] == "/dev/zero" {
					seen = true
					if f[2] == f[3] || f[3] == "<NA>" {
						t.Errorf("process %s is called %s in its namespace", f[2], f[3])
					}
				} else if name == "process" {
					t.Errorf("%q", line)
				}
			}
			if !seen {
				t.Errorf("no read of /dev/zero by cat in %s", got.out)
			}
		})
	}
	// A command, with us as PID 1, and a signal that only it gets.
	got := run(t, "unshare", "-pf", "--mount-proc", traceBin, "--driver", "modern-bpf", "-e", "execve,procexit",
		"--format", "%evt.type %proc.name %proc.vpid %proc.pname", "sh", "-c", "cat /etc/hostname >/dev/null; kill -USR1 $$")
	lines := strings.Split(got.err, "\n")
	if got.code != 128+int(unix.SIGUSR1) || len(lines) != 5 || !strings.HasPrefix(lines[1], "execve cat ") || !strings.HasSuffix(lines[1], " sh") {
		t.Errorf("%+v", got)
	}
}
