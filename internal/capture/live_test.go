package capture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// The head made from this machine's own /proc is one that sysdig takes, and it
// resolves this test's own descriptor from it.
func TestLiveHead(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "some file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st := procfs.Scan(nil, nil)
	for profile, tool := range map[spec.Profile]*sysdigtest.Tool{spec.V036: sysdigtest.Bookworm(t), spec.Current: sysdigtest.Forky(t)} {
		s := &script{t: t, profile: profile}
		s.add(int64(os.Getpid()), event.WriteE, int(f.Fd()), 1)
		s.add(int64(os.Getpid()), event.WriteX, 1, []byte("x"), int(f.Fd()), 1)
		data := file(t, st, s.events, Options{Profile: profile, Gzip: true})
		name := filepath.Join(t.TempDir(), "live.scap")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint(os.Getpid(), " ", f.Name())
		for _, got := range lines(t, tool, name, "%proc.pid %fd.name") {
			if got != want {
				t.Errorf("sysdig %s: %q, want %q", tool.Version, got, want)
			}
		}
		r, events := read(t, data)
		same(t, events, s.events)
		if len(r.State().Threads) != len(st.Threads) || !bytes.Equal(r.State().Interfaces[0].Addr, st.Interfaces[0].Addr) {
			t.Errorf("%d threads, want %d", len(r.State().Threads), len(st.Threads))
		}
	}
}
