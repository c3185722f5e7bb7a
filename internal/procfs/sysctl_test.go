package procfs

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSysctl(t *testing.T) {
	proc := t.TempDir()
	dir := filepath.Join(proc, "sys/kernel/yama")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ptrace_scope": "2\n", "negative": "-1\n", "words": "none\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"kernel.yama.ptrace_scope": 2, "kernel.yama.negative": -1} {
		if v, ok := Sysctl(proc, name); v != want || !ok {
			t.Errorf("%s is %d %v, want %d", name, v, ok, want)
		}
	}
	for _, name := range []string{"kernel.yama.words", "kernel.none"} {
		if v, ok := Sysctl(proc, name); ok {
			t.Errorf("%s is %d", name, v)
		}
	}
}

func TestOwnStatus(t *testing.T) {
	if s := OwnStatus(); s.Pid != os.Getpid() || s.Tgid != s.Pid {
		t.Errorf("our own status is of %d %d", s.Pid, s.Tgid)
	}
	if s := StatusOf(1 << 22); s.Pid != 0 {
		t.Errorf("a task that is not there has status %+v", s)
	}
}
