package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// files returns what a capture was divided into, in order.
func files(t *testing.T, name string) []string {
	t.Helper()
	list, err := filepath.Glob(strings.TrimSuffix(name, ".scap") + "_*.scap*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// readAll reads captures one after the other, each by itself.
func readAll(t *testing.T, list []string, args ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range list {
		got := run(t, append([]string{traceBin, "-r", name}, args...)...)
		if got.code != 0 || got.err != "" {
			t.Fatalf("%s: exit code %d, %s", name, got.code, got.err)
		}
		all.WriteString(got.out)
	}
	return all.String()
}

// TestFilesReadAlone: a capture divided anywhere tells of each event what the whole
// one tells, in our reader and in sysdig.
func TestFilesReadAlone(t *testing.T) {
	need(t, "git", "/usr/bin/python3")
	const (
		what  = "%evt.rawtime %thread.tid %evt.dir %evt.type %proc.name %proc.pid %proc.ppid %proc.cmdline %proc.cwd %proc.exepath %user.uid %fd.num %fd.type %fd.name"
		short = "%evt.time %thread.tid %evt.dir %evt.type %proc.name %fd.name"
	)
	for _, c := range []struct {
		profile string
		in      spec.Profile
		tool    func(testing.TB) *sysdigtest.Tool
		knows   event.Type
		enters  bool
	}{
		{"0.36", spec.V036, bookworm, 336, true},
		{"0.36", spec.V036, forky, 450, false},
		{"current", spec.Current, nil, 0, false},
	} {
		t.Run(c.profile, func(t *testing.T) {
			// The format has no place for the address of a socket that is bound to no
			// port; one of our own keeps parallel runs apart.
			pid := os.Getpid()
			story := strings.Replace(story, `"127.0.0.1", 0`, fmt.Sprintf(`"127.%d.%d.%d", 4000`, pid>>16, pid>>8&0xff, pid&0xff), 1)
			dir := t.TempDir()
			whole, parts := filepath.Join(dir, "whole.scap"), filepath.Join(dir, "part.scap")
			if got := run(t, traceBin, "-q", "-a", "--profile", c.profile, "-w", whole, "/usr/bin/python3", "-c", story, dir); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			want := run(t, traceBin, "-r", whole, "--format", what).out
			total := strings.Count(want, "\n")
			got := run(t, traceBin, "-q", "--profile", c.profile, "-r", whole, "-w", parts, "--file-events", fmt.Sprint(total/20))
			list := files(t, parts)
			if got.code != 0 || got.err != "" || len(list) < 19 || len(list) > 21 {
				t.Fatalf("%d files of %d events, %+v", len(list), total, got)
			}
			all := readAll(t, list, "--format", what)
			const unbound = "0.0.0.0:0->0.0.0.0:0" // so is a socket written that is not in use
			if all = strings.ReplaceAll(all, unbound, ""); all != want {
				t.Errorf("whole and in parts: %s", firstDifference(want, all))
			}
			if c.tool == nil {
				return
			}
			var theirs strings.Builder
			for _, name := range list {
				theirs.WriteString(c.tool(t).Run(t, "-r", name, "-p", "*"+short))
			}
			compareStories(t, strings.ReplaceAll(theirs.String(), unbound, ""), run(t, traceBin, "-r", whole, "--format", short).out, c.knows, c.in, c.enters)
		})
	}
}

const loop = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; echo done"

// TestFileLimits: each limit on a live run.
func TestFileLimits(t *testing.T) {
	for _, c := range []struct {
		args []string
		ok   func(n int, sizes []int64) bool
	}{
		{[]string{"-C", "200k"}, func(n int, sizes []int64) bool {
			return n > 3 && slices.Max(sizes) < 280<<10 && slices.Min(sizes[:n-1]) >= 200<<10
		}},
		{[]string{"-C", "200k", "-W", "2"}, func(n int, sizes []int64) bool { return n == 2 }},
		{[]string{"-C", "20k", "-z"}, func(n int, sizes []int64) bool { return n > 1 }},
		{[]string{"-G", "10ms"}, func(n int, sizes []int64) bool { return n > 3 }},
		{[]string{"-G", "3600"}, func(n int, sizes []int64) bool { return n == 1 }},
		{[]string{"--file-events", "1000"}, func(n int, sizes []int64) bool { return n > 3 }},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "a.b.scap")
			got := run(t, append(append([]string{traceBin, "-q", "-a", "-w", name}, c.args...), "sh", "-c", loop)...)
			if got.code != 0 || got.out != "done\n" || got.err != "" {
				t.Fatalf("%+v", got)
			}
			list := files(t, name)
			var sizes []int64
			for i, f := range list {
				st, err := os.Stat(f)
				if err != nil {
					t.Fatal(err)
				}
				if st.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v", f, st.Mode())
				}
				sizes = append(sizes, st.Size())
				if base := filepath.Base(f); i > 0 && base[:10] <= filepath.Base(list[i-1])[:10] {
					t.Errorf("%s comes after %s", base, list[i-1])
				}
			}
			if !c.ok(len(list), sizes) {
				t.Errorf("%d files of %v bytes", len(list), sizes)
			}
			out := strings.TrimSpace(readAll(t, list))
			if last := out[strings.LastIndexByte(out, '\n')+1:]; !strings.Contains(last, "> procexit") {
				t.Errorf("the last event is %s", last)
			}
		})
	}
}

// TestFilesFullDisk: with room for the files that are kept the disk never gets full;
// without, the command goes on and every file can be read.
func TestFilesFullDisk(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=768k"); err != nil {
		t.Skipf("no tmpfs: %v", err)
	}
	defer unix.Unmount(dir, 0)
	name := filepath.Join(dir, "ring.scap")
	got := run(t, traceBin, "-q", "-a", "-w", name, "-C", "100k", "-W", "3", "sh", "-c", loop)
	list := files(t, name)
	if got.code != 0 || got.err != "" || len(list) != 3 || !strings.Contains(list[2], "_000") || strings.Contains(list[0], "_00001") {
		t.Errorf("a ring: %+v, %v", got, list)
	}
	readAll(t, list)
	for _, f := range list {
		os.Remove(f)
	}

	name = filepath.Join(dir, "row.scap")
	got = run(t, traceBin, "-q", "-a", "-w", name, "-C", "100k", "sh", "-c", loop)
	list = files(t, name)
	if got.out != "done\n" || got.code != 125 || !strings.Contains(got.err, "no space left") || strings.Count(got.err, "\n") != 1 || len(list) < 5 {
		t.Errorf("without a ring: %+v, %v", got, list)
	}
	readAll(t, list[:len(list)-1])
	if got := run(t, traceBin, "-r", list[len(list)-1]); got.code != 0 {
		t.Errorf("the last file: %+v", got)
	}
}

// TestFilesGone: where another file can't be begun, the command goes on and those
// that there are can be read.
func TestFilesGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "here")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "x.scap")
	got := run(t, traceBin, "-q", "-a", "-w", name, "--file-events", "500", "sh", "-c", "mv "+dir+" "+dir+".away; "+loop)
	if got.out != "done\n" || got.code != 125 || !strings.Contains(got.err, name+": no such file or directory") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	list := files(t, filepath.Join(dir+".away", "x.scap"))
	if out := readAll(t, list); len(list) == 0 || strings.Count(out, "\n") < 500*len(list) {
		t.Errorf("%d lines in %v", strings.Count(out, "\n"), list)
	}
}

func TestFileOptions(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1": 1e6, "100": 1e8, "64k": 64 << 10, "3M": 3 << 20, "2G": 2 << 30} {
		if got, err := fileSize(text); err != nil || got != want {
			t.Errorf("size %q: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"": "0s", "90": "1m30s", "1h": "1h0m0s", "1.5s": "1.5s"} {
		if got, err := fileTime(text); err != nil || got.String() != want {
			t.Errorf("time %q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "k", "1T", "1.5M", "99999999999"} {
		if n, err := fileSize(text); err == nil {
			t.Errorf("size %q is %d", text, n)
		}
	}
	for _, text := range []string{"0", "-1", "1d", "s", "99999999999"} {
		if d, err := fileTime(text); err == nil {
			t.Errorf("time %q is %v", text, d)
		}
	}
}
