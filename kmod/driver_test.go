package kmod

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func config(t *testing.T, events string) Config {
	needsModule(t, current)
	return Config{Profile: spec.Current, Events: set(t, events, spec.Current), Snaplen: 80}
}

// TestProgram looks at what a real program does.
func TestProgram(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("some text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var first event.Type
	var opened, read, started, ended bool
	begin := uint64(time.Now().UnixNano())
	d, err := trace(config(t, "all"), "/bin/dd", []string{"dd", "if=" + name, "status=none"}, []string{"A=1"}, func(ev *event.Event) {
		if ev.Flags&event.StateOnly != 0 {
			return
		}
		if first == 0 {
			first = ev.Type()
		}
		if ev.TS() < begin || ev.TS() > uint64(time.Now().UnixNano()) {
			t.Errorf("%s at %d, not between %d and now", ev.Type(), ev.TS(), begin)
		}
		switch ev.Type() {
		case event.ExecveX:
			started = true
			if exe, args, env := text(t, ev, "exe"), text(t, ev, "args"), text(t, ev, "env"); exe != "dd" || args != "if="+name+"\x00status=none" || env != "A=1" {
				t.Errorf("started %q %q with %q", exe, args, env)
			}
		case event.OpenX, event.OpenatX:
			opened = opened || text(t, ev, "name") == name
		case event.ReadX:
			read = read || string(param(t, ev, "data")) == "some text\n"
		case event.ProcExitE:
			ended = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first != event.ExecveX {
		t.Errorf("the first event is %s, want execve: the process was armed", first)
	}
	for what, seen := range map[string]bool{"start": started, "open": opened, "read": read, "end": ended} {
		if !seen {
			t.Errorf("no %s", what)
		}
	}
	if s := d.Stats(); s.Total.Drops() != 0 || s.Total.Events == 0 {
		t.Errorf("counters %+v", s.Total)
	}
}
