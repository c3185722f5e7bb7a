package vmtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script looks at all that a machine has; its output is compared with wanted.
const script = `
echo module $(grep -c ^overlay /proc/modules)
echo file $(cat /files/a/text) $(readlink /files/a/link) $(/files/a/run)
echo environment $WORD $PWD
echo command line $(grep -o word=there /proc/cmdline)
echo processors $(grep -c ^processor /proc/cpuinfo)
echo loopback $(ping -c 1 -W 5 127.0.0.1 | grep -c '1 packets received')
echo input $(wc -c)
echo file systems $(ls -d /proc/1 /sys/kernel /dev/null /dev/pts/ptmx /dev/shm /sys/fs/cgroup/cgroup.procs | wc -l)
(sleep 0.2; exit 3) & # reaped by init, if it outlives us
printf 'bytes \000\r\n'
echo complaints >&2
exit 7`

const wanted = `module 1
file content text executable
environment set /files
command line word=there
processors 3
loopback 1
input 0
file systems 6
bytes ` + "\x00\r\n" + `complaints
`

// TestKernels boots one kernel of each architecture, with all that a machine can
// be given.
func TestKernels(t *testing.T) {
	for _, k := range Kernels(t) {
		if !strings.HasPrefix(k.Name, "6.1") || strings.HasPrefix(k.Name, "6.12") {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			busybox := Busybox(t, k.Arch)
			write(t, dir+"/a/text", "content", 0o644)
			write(t, dir+"/a/run", "#!/bin/sh\necho executable\n", 0o755)
			if err := os.Symlink("text", dir+"/a/link"); err != nil {
				t.Fatal(err)
			}
			vm := VM{
				Kernel: k, CPUs: 3, Memory: 512, Append: "word=there", Modules: []string{"overlay"},
				Files: map[string]string{"/files": dir, "/bin/busybox": busybox, "/bin/sh": busybox},
				Env:   []string{"WORD=set"}, Dir: "/files", Limit: time.Minute,
			}
			out, status := vm.Run(t, "/bin/sh", "-c", script)
			if string(out) != wanted || status != 7 {
				t.Errorf("status %d and\n%q\nwant 7 and\n%q", status, out, wanted)
			}
		})
	}
}

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// TestVerdict: each way for a machine to end badly is told.
func TestVerdict(t *testing.T) {
	const end = "\nlanner-vm: ended with status 3\n"
	for _, c := range []struct{ name, results, console, want string }{
		{"ended", "text" + end, "[    1.000000] hello\n", ""},
		{"a panic", "text", "[    1.000000] hello\n[    2.000000] Kernel panic - not syncing: x\n", "the kernel complains: [    2.000000] Kernel panic - not syncing: x"},
		{"a warning", "text" + end, "[    2.000000] WARNING: CPU: 0 PID: 1 at x.c:1\n", "the kernel complains: [    2.000000] WARNING: CPU: 0 PID: 1 at x.c:1"},
		{"a fault", "text" + end, "[    2.000000] general protection fault: 0000 [#1] SMP NOPTI\n", "the kernel complains: [    2.000000] general protection fault: 0000 [#1] SMP NOPTI"},
		{"gone", "text", "", "the machine went off before the program ended"},
		{"init", "\nlanner-vm: failed: no such file\n", "", "init: no such file"},
	} {
		p := ports{results: []byte(c.results), console: []byte(c.console)}
		out, status, err := p.verdict(nil)
		switch {
		case c.want == "" && (err != nil || status != 3 || string(out) != "text"):
			t.Errorf("%s: %q, %d, %v", c.name, out, status, err)
		case c.want != "" && (err == nil || err.Error() != c.want || status != -1):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
