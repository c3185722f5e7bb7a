package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel"
)

// TestDropFailed: of calls that failed no driver tells the end.
func TestDropFailed(t *testing.T) {
	for _, driver := range []string{kernel.Ptrace, kernel.ModernBPF} {
		if driver == kernel.ModernBPF {
			needModern(t)
		}
		args := []string{traceBin, "--driver", driver, "-e", "openat", "--format", "%evt.dir %evt.arg.name", "cat", "/etc/hostname", "/no/such/file"}
		if got := run(t, args...); !strings.Contains(got.err, "< /etc/hostname\n") || !strings.Contains(got.err, "< /no/such/file\n") {
			t.Errorf("%s: %+v", driver, got)
		}
		got := run(t, append([]string{traceBin, "--drop-failed"}, args[1:]...)...)
		if got.code != 1 || !strings.Contains(got.err, "< /etc/hostname\n") || strings.Contains(got.err, "< /no/such/file\n") {
			t.Errorf("%s: %+v", driver, got)
		}
	}
}

// TestDynamicSnaplen: it takes a kernel driver, and keeps more of a protocol.
func TestDynamicSnaplen(t *testing.T) {
	needModern(t)
	const script = `import socket
a, b = socket.socketpair()
a.send(b"GET / HTTP/1.1 " + b"x" * 500)`
	for option, want := range map[string]int{"--quiet=false": 80, "--dynamic-snaplen": 515} {
		got := run(t, traceBin, option, "-e", "sendto", "--json", "python3", "-c", script)
		if got.code != 0 || !strings.Contains(got.err, "GET / HTTP/1.1 "+strings.Repeat("x", want-15)+"\"") {
			t.Errorf("%s: %s", option, fmt.Sprint(got))
		}
	}
}
