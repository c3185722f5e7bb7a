package udig

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/udig/udigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// shm returns a directory like Dir.
func shm(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(Dir, "lanner-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func open(t testing.TB, dir string, l Layout) *Ring {
	t.Helper()
	r, err := Open(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func consume(t testing.TB, dir string) *udigtest.Consumer {
	t.Helper()
	c, err := udigtest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// reading makes the event "read res=n data=..." of a thread, with size bytes of data.
func reading(tid, n int64, size int) *event.Event {
	var b event.Builder
	ev := new(event.Event)
	b.Begin(event.ReadX, uint64(n), tid, 2)
	b.PutS64(n)
	b.PutBytes(make([]byte, size))
	if _, err := ev.Parse(b.End()); err != nil {
		panic(err)
	}
	return ev
}

// TestLayouts: sizes, and where the status is, as the contract has them.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		name        string
		size, kinds int
	}{{"0.36.2", 240, 14}, {"0.13", 240, 14}, {"0.12", 224, 12}, {"0.8", 128, 0}} {
		l, err := ParseLayout(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if l.size() != c.size || len(l.kinds) != c.kinds || l.info != offKinds+8*(c.kinds+3) {
			t.Errorf("%s: %+v, %d bytes", c.name, l, l.size())
		}
		dir := shm(t)
		r := open(t, dir, l)
		for name, size := range map[string]int64{bufName: ringSize, descsName: int64(c.size)} {
			st, err := os.Stat(filepath.Join(dir, name))
			if err != nil || st.Size() != size || st.Mode().Perm() != segmentMode {
				t.Errorf("%s %s: %d bytes, mode %v, %v", c.name, name, st.Size(), st.Mode(), err)
			}
		}
		if *r.status32(offInit) != 1 {
			t.Error("not initialized")
		}
		for _, o := range layouts {
			if o.size() == l.size() {
				continue
			}
			if _, err := Open(dir, o); err == nil || !strings.Contains(err.Error(), "--udig-layout "+l.Name) {
				t.Errorf("%s opened as %s: %v", l.Name, o.Name, err)
			}
		}
	}
	if _, err := ParseLayout("0.37"); err == nil {
		t.Error("0.37 is a layout")
	}
	if firstLater != 418 { // Falco 0.36.2's PPM_EVENT_MAX
		t.Errorf("edition 0.36 ends at %d", firstLater)
	}
}

// TestKinds: the newest layout has all kinds of drops, older ones fewer, and events
// count as theirs.
func TestKinds(t *testing.T) {
	for _, l := range layouts {
		for _, k := range l.kinds {
			if !slices.Contains(spec.Losses[:], k) {
				t.Errorf("%s: %s is no kind", l.Name, k)
			}
		}
	}
	if n := len(layouts[0].kinds); n != spec.NumLosses {
		t.Errorf("%d kinds, want %d", n, spec.NumLosses)
	}
	for _, c := range []struct {
		ev   event.Type
		want [3]int // by layout: position, or -1
	}{
		{event.Clone3E, [3]int{0, 0, -1}}, {event.OpenatX, [3]int{7, 7, -1}}, {event.KeyctlX, [3]int{11, 11, -1}},
		{event.CloseX, [3]int{12, -1, -1}}, {event.ProcExitE, [3]int{13, -1, -1}},
		{event.CloseE, [3]int{-1, -1, -1}}, {event.ReadX, [3]int{-1, -1, -1}},
	} {
		for i := range layouts {
			if got := layouts[i].kindOf(c.ev); got != c.want[i] {
				t.Errorf("%s: %s counts as %d, want %d", layouts[i].Name, c.ev, got, c.want[i])
			}
		}
	}
}

// TestRing: what is written is read, over the end of the ring too; what has no room is
// counted, and nothing waits.
func TestRing(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.Name, func(t *testing.T) {
			dir := shm(t)
			r := open(t, dir, l)
			ev := reading(7, 0, 60000)
			if err := r.Write(ev); err != nil || r.Stats().NoConsumer != 1 {
				t.Errorf("without a consumer: %v, %+v", err, r.Stats())
			}
			c := consume(t, dir)
			next := int64(0)
			for range 5 {
				room := ringSize / len(ev.Bytes())
				for i := range room + 3 {
					if err := r.Write(reading(7, next+int64(min(i, room)), 60000)); err != nil {
						t.Fatal(err)
					}
				}
				n, err := c.Read(func(ev *event.Event) {
					if got, _ := ev.Int(0); got != next || ev.TID() != 7 {
						t.Fatalf("event %d of thread %d, want %d", got, ev.TID(), next)
					}
					next++
				})
				if err != nil || n != room {
					t.Fatalf("%d events, want %d; %v", n, room, err)
				}
			}
			st := r.Stats()
			if st.NoRoom != 15 || st.Written != uint64(next) || *c.Counter(offDrops) != 15 || *c.Counter(offEvts) != 15+uint64(next) {
				t.Errorf("%+v; n_evts %d, n_drops_buffer %d", st, *c.Counter(offEvts), *c.Counter(offDrops))
			}
			*c.Status(offStopped) = 1
			r.Write(ev)
			if st := r.Stats(); st.Stopped != 1 {
				t.Errorf("stopped: %+v", st)
			}
		})
	}
}

// TestDropKinds: a lost event is counted under its kind.
func TestDropKinds(t *testing.T) {
	dir := shm(t)
	r := open(t, dir, layouts[0])
	c := consume(t, dir)
	for r.Stats().NoRoom == 0 {
		r.Write(reading(1, 1, 60000))
	}
	var b event.Builder
	var ev event.Event
	b.Begin(event.ProcExitE, 1, 1, 1)
	b.PutBytes(make([]byte, 60000))
	ev.Parse(b.End())
	r.Write(&ev)
	if n := *c.Counter(128); n != 1 { // n_drops_buffer_proc_exit
		t.Errorf("proc_exit: %d", n)
	}
}

// TestStale: a consumer that died is told from one that is slow.
func TestStale(t *testing.T) {
	dir := shm(t)
	r := open(t, dir, layouts[0])
	c := consume(t, dir)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	*c.Status(offPID) = int32(dead.Process.Pid)
	for r.Stats().Lost()+r.Stats().NoConsumer == 0 {
		r.Write(reading(1, 1, 60000))
	}
	if st := r.Stats(); st.NoConsumer != 1 || st.NoRoom != 0 {
		t.Errorf("%+v", st)
	}
}

// TestBegin: a reader that begins while events are written, and resets the positions for
// it, gets none from before.
func TestBegin(t *testing.T) {
	dir := shm(t)
	r := open(t, dir, layouts[0])
	c := consume(t, dir)
	var n atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				r.Write(reading(1, n.Add(1), 60000))
			}
		}
	}()
	for range 100 {
		first := n.Load()
		atomic.StoreUint32(c.Head(), 0)
		atomic.StoreUint32(c.Tail(), 0)
		for n.Load() < first+3 {
			runtime.Gosched()
		}
		_, err := c.Read(func(ev *event.Event) {
			if got, _ := ev.Int(0); got < first {
				t.Errorf("event %d, older than %d", got, first)
			}
		})
		if err != nil || t.Failed() {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-stopped
}

// TestWait: who has stopped the ring does not read it.
func TestWait(t *testing.T) {
	dir := shm(t)
	r := open(t, dir, layouts[0])
	c := consume(t, dir)
	*c.Status(offStopped) = 1
	if err := r.Wait(20 * time.Millisecond); err == nil {
		t.Error("a reader that has stopped the ring is taken for one that reads")
	}
	*c.Status(offStopped) = 0
	if err := r.Wait(time.Minute); err != nil {
		t.Error(err)
	}
}

// TestCut: a ring that is cut while it is used is an error.
func TestCut(t *testing.T) {
	for _, name := range []string{bufName, descsName} {
		dir := shm(t)
		r := open(t, dir, layouts[0])
		consume(t, dir)
		ev := reading(1, 1, 10)
		if err := r.Write(ev); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Write(ev); err != errGone {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The consumer of the test has no guard.
		if err := os.Truncate(filepath.Join(dir, name), ringSize); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeign: what is no ring is not taken for one.
func TestForeign(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"empty":    func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"odd size": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("x", 100000)), 0o600) },
		"link":     func(p string) error { return os.Symlink("/etc/passwd", p) },
		"pipe":     func(p string) error { return exec.Command("mkfifo", p).Run() },
		"dir":      func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		dir := shm(t)
		if err := make(filepath.Join(dir, bufName)); err != nil {
			t.Fatal(err)
		}
		if r, err := Open(dir, layouts[0]); err == nil {
			r.Close()
			t.Errorf("%s: opened", name)
		} else if strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %q", name, err)
		}
	}
}

// TestOldReaders: readers before libs 0.13 get no types or codes that they do not know.
func TestOldReaders(t *testing.T) {
	dir := shm(t)
	l, _ := ParseLayout("0.8")
	r := open(t, dir, l)
	c := consume(t, dir)
	var b event.Builder
	var ev event.Event
	for _, code := range []uint16{1, 328, 329, 400} {
		b.Reset()
		b.Begin(event.GenericX, 1, 1, 2)
		b.PutU16(code)
		b.PutU16(5)
		ev.Parse(b.End())
		r.Write(&ev)
		if got, _ := ev.Int(0); got != int64(code) {
			t.Errorf("the event was changed for others: %d", got)
		}
	}
	b.Reset()
	b.Begin(336, 1, 1, 0)
	ev.Parse(b.End())
	r.Write(&ev)
	var got []string
	c.Read(func(ev *event.Event) {
		v, _ := ev.Int(0)
		got = append(got, strconv.FormatInt(v, 10))
	})
	if s := strings.Join(got, " "); s != "1 328 0 0" || r.Stats().Unknown != 1 {
		t.Errorf("codes %s, %+v", s, r.Stats())
	}
}

// FuzzDescs: whatever stands in udig_descs, a write ends soon, with every event counted.
func FuzzDescs(f *testing.F) {
	f.Add(uint32(0), uint32(0), uint64(0), int32(1), int32(0), 100)
	f.Add(uint32(ringSize), uint32(5), uint64(0), int32(1), int32(0), 100)
	f.Add(uint32(5), ^uint32(0), uint64(1), int32(-1), int32(0), 60000)
	f.Add(uint32(ringSize-1), uint32(ringSize-1), uint64(mark), int32(1), int32(0), 100)
	f.Add(uint32(ringSize-30), uint32(ringSize/2), ^uint64(0), int32(1), int32(0), 60000)
	dir := shm(f)
	r := open(f, dir, layouts[0])
	c := consume(f, dir)
	ring := len(c.Ring)
	total := uint64(0)
	f.Fuzz(func(t *testing.T, head, tail uint32, lock uint64, pid, stopped int32, size int) {
		atomic.StoreUint32(c.Head(), head)
		atomic.StoreUint32(c.Tail(), tail)
		atomic.StoreUint64(c.Lock(), lock)
		*c.Status(offPID), *c.Status(offStopped) = pid, stopped
		ev := reading(1, 1, min(max(size, 0), event.MaxParamLen))
		if err := r.Write(ev); err != nil {
			t.Fatal(err)
		}
		total++
		s := r.Stats()
		if sum := s.Written + s.NoConsumer + s.Stopped + s.Lost() + s.Unknown; sum != total {
			t.Fatalf("%d events, %+v", total, s)
		}
		if now := atomic.LoadUint32(c.Head()); now != head {
			if head >= uint32(ring) || tail >= uint32(ring) {
				t.Fatalf("wrote at %d, tail %d", head, tail)
			}
			if n := (now - head) & uint32(ring-1); n != binary.LittleEndian.Uint32(ev.Bytes()[16:]) {
				t.Fatalf("head went on by %d", n)
			}
		}
	})
}
