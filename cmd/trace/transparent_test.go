package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSelf runs the programs of testdata/self, which tell what they saw:
// signals and their effect on calls, group-stops, wait results, vfork, threads,
// execve by a thread, filters, inherited things.
func TestSelf(t *testing.T) {
	for _, c := range []string{
		"stops", "chld", "restarts", "vforks", "threads", "dying", "threadexec", "leader", "filter", "given", "untraced",
	} {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			same(t, selfBin, c)
		})
	}
}

// TestExitStatus: a shell's view of how a command ended.
func TestExitStatus(t *testing.T) {
	for _, c := range []string{
		"exit 0", "exit 1", "exit 125", "exit 255", "kill -TERM $$", "kill -KILL $$", "kill -INT $$", "kill -HUP $$",
		"kill -SEGV $$", "kill -ABRT $$", "kill -USR1 $$", "kill -PIPE $$", "kill -34 $$", "(sleep 0.1; exit 9) & exit 3",
	} {
		t.Run(c, func(t *testing.T) { same(t, "sh", "-c", "ulimit -c 0; "+c) })
	}
}

// TestInherited: what a command gets from who starts it. The programs around
// trace set it up.
func TestInherited(t *testing.T) {
	for name, c := range map[string]string{
		"ignored signals":  `trap "" TERM PIPE USR1 QUIT INT HUP CHLD; exec "$@"`,
		"background":       `"$@" & wait $!`,
		"descriptor limit": `ulimit -n 1077; exec "$@"`,
		"descriptors":      `exec 3</dev/null 7>/dev/null 9<&-; exec "$@"`,
		"soft limit":       `ulimit -Sn 99; exec "$@"`,
		"umask":            `umask 0137; exec "$@"`,
		"blocked signals":  `exec env --block-signal=TERM,CHLD,PROF,URG,34 "$@"`,
	} {
		want := run(t, "sh", "-c", c, "sh", selfBin, "given")
		for _, driver := range []string{"ptrace", "modern-bpf"} {
			t.Run(name+" "+driver, func(t *testing.T) {
				needDriver(t, []string{driver})
				got := run(t, "sh", "-c", c, "sh", traceBin, "--driver", driver, "-q", selfBin, "given")
				if got != want {
					t.Errorf("without trace: %+v\n   with trace: %+v", want, got)
				}
			})
		}
	}
}

// TestEnvironment: arguments and environment arrive as they are.
func TestEnvironment(t *testing.T) {
	t.Setenv("ODD", "a\nb\xff")
	same(t, "env")
	same(t, "printf", "%s|", "", "a b", "\xff", "--", "-p")
}

// TestInput: standard input belongs to the command.
func TestInput(t *testing.T) {
	text := strings.Repeat("some lines\n", 10000)
	got := runIn(t, text, traceBin, "-q", "-a", "sh", "-c", "read -r a; echo $a; cat")
	if got.out != text || got.code != 0 {
		t.Errorf("%d bytes came through of %d, exit code %d", len(got.out), len(text), got.code)
	}
}

// TestPrograms runs real programs of all sorts.
func TestPrograms(t *testing.T) {
	need(t, "git", "python3", "gcc", "make", "bash")
	dir := t.TempDir()
	src := filepath.Join(dir, "hello.c")
	if err := os.WriteFile(src, []byte("#include <stdio.h>\nint main(void){puts(\"hello\");return 5;}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, argv := range map[string][]string{
		"git":    {"git", "-c", "init.defaultBranch=main", "init", "-q", filepath.Join(dir, "repo")},
		"gcc":    {"sh", "-c", fmt.Sprintf("gcc -o %s/hello %s && %s/hello", dir, src, dir)},
		"python": {"python3", "-c", "import subprocess,threading,sys;print(subprocess.run(['sh','-c','echo x;exit 3'],capture_output=True));t=threading.Thread(target=print,args=('t',));t.start();t.join();sys.exit(4)"},
		"bash":   {"bash", "-c", "for i in 1 2 3; do (exit $i); echo $?; done; cat <(echo a) <(echo b); wait; kill -9 $BASHPID"},
		"go":     {"go", "version"},
		"apt":    {"apt-get", "--simulate", "-qq", "install", "bash"},
		"perl":   {"perl", "-e", "fork ? wait : exit 7; print $?>>8, \"\\n\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, argv[0])
			same(t, argv...)
		})
	}
}

// TestCompat runs 32-bit code, whose calls have numbers of their own.
func TestCompat(t *testing.T) {
	need(t, "gcc")
	dir := t.TempDir()
	prog := filepath.Join(dir, "hello32")
	src := filepath.Join(dir, "hello.c")
	text := `#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
int main(void){int p[2];printf("%zu %d\n",sizeof(long),socketpair(AF_UNIX,SOCK_STREAM,0,p));
 if(open("/etc/hostname",O_RDONLY)<0)return 1;fflush(stdout);
 if(fork()==0){write(p[1],"x",1);_exit(3);} int st;wait(&st);char c;printf("%d %d\n",WEXITSTATUS(st),(int)read(p[0],&c,1));return 6;}
`
	if err := os.WriteFile(src, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "gcc", "-m32", "-w", "-o", prog, src); r.code != 0 {
		if os.Getenv("LANNER_TEST_ALL") == "1" {
			t.Fatalf("gcc -m32: %s", r.err)
		}
		t.Skip("gcc makes no 32-bit programs here")
	}
	if err := exec.Command(prog).Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this kernel runs no 32-bit programs")
	}
	same(t, prog)
	got := run(t, traceBin, "-e", "openat,socketpair", prog)
	if !strings.Contains(got.err, "/etc/hostname") || !strings.Contains(got.err, "socketpair res=0") {
		t.Errorf("its calls are not told:\n%s", got.err)
	}
}

// TestTracers: a tracee that wants to trace is told that it can't, and goes on.
func TestTracers(t *testing.T) {
	got := run(t, traceBin, "-q", selfBin, "tracing")
	want := "traceme -1 Operation not permitted\nattach -1 Operation not permitted\nseize -1 Operation not permitted\n"
	if got.out != want || got.code != 0 {
		t.Errorf("got %+v, want %q", got, want)
	}
	need(t, "strace")
	got = run(t, traceBin, "-q", "strace", "-o", "/dev/null", "true")
	if got.code == 0 || !strings.Contains(got.err, "Operation not permitted") {
		t.Errorf("strace under trace: %+v", got)
	}
	// And the other way round: a tracer around trace can't have its children.
	got = run(t, "strace", "-f", "-o", "/dev/null", traceBin, "--driver", "ptrace", "-q", "true")
	if got.code != 125 || !strings.Contains(got.err, "traces it already") {
		t.Errorf("trace under strace -f: %+v", got)
	}
}

// TestSetuid: programs that change their user.
func TestSetuid(t *testing.T) {
	needRoot(t)
	need(t, "setpriv", "id", "sudo")
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o755)
	os.Chmod(dir, 0o755)
	suid := filepath.Join(dir, "id")
	if r := run(t, "cp", "/usr/bin/id", suid); r.code != 0 {
		t.Fatal(r.err)
	}
	if err := os.Chmod(suid, os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	other := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	// Root traces a tree that drops to nobody and climbs back by a setuid program.
	if r := run(t, append(other, suid, "-u")...); r.out != "0\n" {
		t.Fatalf("the setuid program does not work even untraced: %+v", r)
	}
	same(t, append(other, suid, "-u")...)
	same(t, "sudo", "-u", "nobody", "id", "-un")
	// Nobody traces: no one may gain privileges under a tracer without
	// CAP_SYS_PTRACE. The program runs, as nobody.
	got := run(t, append(other, traceBin, "-q", suid, "-u")...)
	if got.out != "65534\n" || got.code != 0 {
		t.Errorf("setuid program under an unprivileged trace: %+v", got)
	}
	// CAP_SYS_PTRACE without CAP_SYS_ADMIN: the filter would take privileges away,
	// which is said; without it they are gained.
	caps := append(other, "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace")
	got = run(t, append(caps, traceBin, "-o", "/dev/null", suid, "-u")...)
	if got.out != "65534\n" || !strings.Contains(got.err, "no_new_privs") {
		t.Errorf("filtered with CAP_SYS_PTRACE: %+v", got)
	}
	got = run(t, append(caps, traceBin, "-q", "--seccomp", "never", suid, "-u")...)
	if got.out != "0\n" {
		t.Errorf("unfiltered with CAP_SYS_PTRACE: %+v", got)
	}
	// A kernel driver is nobody's tracer.
	needModern(t)
	got = run(t, append(nobody("bpf", "perfmon"), modern("-q", suid, "-u")...)...)
	if got.out != "0\n" || got.code != 0 {
		t.Errorf("under a kernel driver: %+v", got)
	}
}
