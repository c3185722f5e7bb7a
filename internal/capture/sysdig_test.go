package capture

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// save writes a sample capture of the given events into a file.
func save(t *testing.T, events []event.Event, opts Options) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.scap")
	if err := os.WriteFile(name, file(t, sampleState(), events, opts), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// lines runs sysdig on a capture with an output format.
func lines(t *testing.T, tool *sysdigtest.Tool, name, format string, more ...string) []string {
	t.Helper()
	out := tool.Run(t, append([]string{"-r", name, "-p", "*" + format}, more...)...)
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

// numbers returns the events by their number from 1, as sysdig counts.
func numbers(events []event.Event) []string {
	var out []string
	for i := range events {
		out = append(out, fmt.Sprint(i+1, " ", events[i].CPU))
	}
	return out
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: line %d:\ngot  %s\nwant %s", what, i+1, got[i], want[i])
			return
		}
	}
}

// The types that Debian's sysdig 0.29.3 knows: it has the libraries of March
// 2022 and passes over later ones. It does not show drops.
func bookwormShows(ev *event.Event) bool {
	return ev.Type() < event.OpenByHandleAtE && ev.Type() != event.DropE && ev.Type() != event.DropX
}

// The types that the sysdig of forky, whose schema is an earlier one than ours,
// does not survive: it asserts that no event has more parameters than it knows,
// and has no place for new types (converter.cpp:test_event_convertibility).
func forkySurvives(ev *event.Event) bool {
	switch ev.Type() {
	case event.SocketX, event.FcntlX, event.CloseRangeX, event.KeyctlX:
		return false
	}
	return true
}

func keep(events []event.Event, want func(*event.Event) bool) []event.Event {
	return slices.DeleteFunc(slices.Clone(events), func(ev event.Event) bool { return !want(&ev) })
}

func TestBookwormReads(t *testing.T) {
	tool := sysdigtest.Bookworm(t)
	tale := story(t, spec.V036)
	events := append(tale, keep(everyType(t, spec.V036), bookwormShows)...)
	name := save(t, events, Options{Profile: spec.V036})

	equal(t, "events", lines(t, tool, name, "%evt.num %evt.cpu"), numbers(events))
	equal(t, "story", lines(t, tool, name, "%proc.name %thread.tid %evt.dir %evt.type %fd.name", fmt.Sprint("evt.num<=", len(tale))), []string{
		"bash 100 > clone <NA>", "bash 100 < clone <NA>", "bash 300 < clone <NA>", "bash 300 > execve <NA>", "prog 300 < execve <NA>",
		"prog 300 > open <NA>", "prog 300 < open /etc/hosts",
		"prog 300 > openat <NA>", "prog 300 < openat /home/u/rel/file",
		"prog 300 > read /etc/hosts", "prog 300 < read /etc/hosts",
		"prog 300 > write pipe:[21]", "prog 300 < write pipe:[21]",
		"prog 300 > socket <NA>", "prog 300 < socket ",
		"prog 300 > connect ", "prog 300 < connect 127.0.0.1:4000->10.0.0.2:443",
		"prog 300 > write 127.0.0.1:4000->10.0.0.2:443", "prog 300 < write 127.0.0.1:4000->10.0.0.2:443",
		"prog 300 > close 127.0.0.1:4000->10.0.0.2:443", "prog 300 < close 127.0.0.1:4000->10.0.0.2:443",
		"prog 300 > chdir <NA>", "prog 300 < chdir <NA>", "prog 300 > pipe <NA>", "prog 300 < pipe ",
		"prog 300 > read /etc/hosts", "prog 300 < read /etc/hosts", "prog 300 > procexit <NA>",
		"worker 101 > write 127.0.0.1:4000->10.0.0.2:443", "worker 101 < write 127.0.0.1:4000->10.0.0.2:443",
	})
	equal(t, "head", lines(t, tool, name, "%proc.exe|%proc.args|%proc.env|%proc.cwd|%proc.sid|%proc.vpgid|%user.name|%group.name|%user.loginuid|%proc.is_exe_writable|%proc.vpid|%proc.fdlimit|%thread.cgroup.cpu", "evt.num=1"),
		[]string{"/bin/bash|-c  a b|A=1 B=|/home/u/|100|100|someone|some|1002|true|7|1024|/x"})
	noCaps := func(t *snapshot.Thread) { t.CapInh, t.CapPrm, t.CapEff = 0, 0, 0 }
	checkRewritten(t, tool, name, events, head(sampleState(), spec.V036), noCaps)
}

// checkRewritten has sysdig read a capture and write it again, which our reader
// must read as the same, but for what that sysdig itself loses of a thread.
func checkRewritten(t *testing.T, tool *sysdigtest.Tool, name string, events []event.Event, want *snapshot.State, lose func(*snapshot.Thread)) {
	t.Helper()
	again := name + ".again"
	if out, err := tool.Command("-q", "-r", name, "-w", again).CombinedOutput(); err != nil { // it shows its progress
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := Open(again)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := drain(r)
	got = keep(got, func(ev *event.Event) bool { // forky's puts them in front
		return ev.Type() != event.UserAddedE && ev.Type() != event.GroupAddedE
	})
	if err != io.EOF || r.Skipped() != 0 {
		t.Errorf("%v, %d events skipped", err, r.Skipped())
	}
	same(t, got, events)
	i := slices.IndexFunc(r.State().Threads, func(t snapshot.Thread) bool { return t.TID == 100 })
	if i < 0 {
		t.Fatalf("threads %+v", r.State().Threads)
	}
	shell, expected := &r.State().Threads[i], &want.Threads[0]
	// sysdig writes descriptors in the order of a hash table.
	slices.SortFunc(shell.FDs, func(a, b snapshot.FD) int { return int(a.FD - b.FD) })
	for i := range min(len(shell.FDs), len(expected.FDs)) {
		if g, w := shell.FDs[i], expected.FDs[i]; !reflect.DeepEqual(g, w) {
			t.Errorf("descriptor:\ngot  %+v\nwant %+v", g, w)
		}
	}
	shell.FDs, expected.FDs = nil, nil
	lose(shell)
	lose(expected)
	if !reflect.DeepEqual(shell, expected) {
		t.Errorf("thread:\ngot  %+v\nwant %+v", shell, expected)
	}
}

// forkyKeeps reports whether forky's sysdig hands on an event of a capture. It
// turns enter events of calls into parts of the exit events.
func forkyKeeps(ev *event.Event) bool {
	row := ev.Type().Row()
	return row.Category&spec.Iter == 0 && (!ev.Type().Enter() || row.Category&spec.OfSyscall == 0)
}

func forkyShows(ev *event.Event) bool {
	return forkyKeeps(ev) && ev.Type() != event.DropE && ev.Type() != event.DropX
}

func TestForkyReads(t *testing.T) {
	tool := sysdigtest.Forky(t)
	for profile, only := range map[spec.Profile]func(*event.Event) bool{
		spec.V036:    func(*event.Event) bool { return true },
		spec.Current: forkySurvives,
	} {
		events := keep(append(story(t, profile), everyType(t, profile)...), only)
		name := save(t, events, Options{Profile: profile})
		var types []string
		for _, ev := range keep(events, forkyShows) {
			name := ev.Type().String()
			if ev.Type() == event.GenericX {
				name = "restart_syscall" // the call that its parameter names
			}
			types = append(types, fmt.Sprint(ev.TID(), " ", name))
		}
		equal(t, "events", lines(t, tool, name, "%thread.tid %evt.type"), types)
		equal(t, "names", lines(t, tool, name, "%proc.name %evt.type %fd.name", "evt.type in (openat, read) and proc.name=prog"), []string{
			"prog openat /home/u/rel/file", "prog read /etc/hosts", "prog read /etc/hosts"})
		equal(t, "head", lines(t, tool, name, "%proc.exe|%proc.args|%proc.env|%proc.cwd|%proc.sid|%proc.vpgid|%user.name|%group.name|%user.loginuid|%proc.is_exe_writable|%thread.cap_permitted", "evt.num=1"),
			[]string{"/bin/bash|-c  a b|A=1 B=|/home/u/|100|100|someone|some|1002|true|CAP_CHOWN CAP_DAC_OVERRIDE"})
		if profile == spec.Current { // the others it writes converted
			checkRewritten(t, tool, name, keep(events, forkyKeeps), head(sampleState(), profile), func(t *snapshot.Thread) {
				t.PTID, t.Flags, t.TTY, t.PIDNSInitStart = 0, 0, 0, 0
				t.CapInh, t.CapPrm, t.CapEff = 0, 0, 0
				t.ExeWritable, t.ExeUpperLayer, t.ExeLowerLayer, t.ExeMemfd = false, false, false, false
				t.ExeIno, t.ExeCTime, t.ExeMTime = 0, 0, 0
			})
		}
	}
}
