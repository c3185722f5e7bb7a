package output

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/sysdigtest"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// peerFormat is what both sides print of each event. The time tells the lines
// of the events apart.
const peerFormat = "%evt.num %evt.time %evt.cpu %proc.name %thread.tid %evt.dir %evt.type %evt.info"

// A script makes events, 1 us apart.
type script struct {
	t   *testing.T
	ts  uint64
	evs []*event.Event
}

func (s *script) add(tid int64, typ event.Type, args ...any) {
	s.t.Helper()
	s.ts += 1000
	ev := build(s.t, s.ts, tid, typ, args...)
	ev.CPU = uint16(len(s.evs) % 2)
	s.evs = append(s.evs, ev)
}

// call adds the two events of a call in edition V036.
func (s *script) call(tid int64, enter event.Type, in, out []any) {
	s.t.Helper()
	s.add(tid, enter, in...)
	s.add(tid, enter|1, out...)
}

// A peer is a sysdig that we compare with. Beyond its differences, sysdig leaves
// out bytes of names that are not printable, or prints them as they are, where
// we have a dot (see TestEveryRowIsSafe), takes the dot off a name that ends with
// one, and, in the old version, shows the memory behind parameters that are
// empty.
type peer struct {
	*sysdigtest.Tool
	edition     spec.Profile
	events      int            // types that it knows
	params      map[string]int // how many parameters, by direction and name of the event
	differences map[event.Type]string
}

// bookworm is the version that evt.info follows.
func bookworm(t *testing.T) *peer {
	t.Helper()
	p := &peer{Tool: sysdigtest.Bookworm(t), edition: spec.V036, events: 336, differences: map[event.Type]string{
		event.Openat2E:       "sysdig takes the name as relative to the working directory, not to dirfd",
		event.MmapX:          "sysdig shows an error as an address; we show its name",
		event.Mmap2X:         "as mmap",
		event.ShutdownE:      "how has become an enumeration: sysdig takes a value without name apart",
		event.SetpgidX:       "res was a process id, now it is a result and an error has a name",
		event.EventfdE:       "flags was decimal, now it is hexadecimal",
		event.SignalfdE:      "as eventfd",
		event.TimerfdCreateE: "as eventfd",
		event.InotifyInitE:   "as eventfd",
	}}
	p.params = p.known(t)
	return p
}

// forky is a version of Falco 0.42.
func forky(t *testing.T) *peer {
	t.Helper()
	const (
		signed   = "sysdig has come to show 8 and 16 unsigned bits as signed"
		leftover = "sysdig keeps what the number stood for before"
		dot      = "sysdig keeps the dot of a path in an unknown directory"
	)
	p := &peer{Tool: sysdigtest.Forky(t), edition: spec.Current, events: int(event.CloseRangeX), differences: map[event.Type]string{
		event.MmapX:          "sysdig has come to show the address as a decimal number",
		event.TimerfdCreateX: signed, event.AcceptX: signed, event.Accept4X: signed, event.SemopX: signed,
		event.DupX: leftover, event.Dup2X: leftover, event.Dup3X: leftover, event.PidfdGetfdX: leftover,
		event.ConnectX: "sysdig has come to forget what a failed call wanted to connect to",
		event.OpenatX:  dot, event.Openat2X: dot,
	}}
	p.params = p.known(t)
	return p
}

// Events of every row, without much of a story.
func TestLikeSysdig(t *testing.T) {
	for name, sysdig := range map[string]func(*testing.T) *peer{"0.29": bookworm, "0.41": forky} {
		t.Run(name, func(t *testing.T) {
			s := &script{t: t, ts: testTime}
			p := sysdig(t)
			everyRow(s, p)
			seen := s.compare(p, peerSnapshot(), peerFormat)
			for typ, reason := range p.differences {
				if !seen[typ] {
					t.Errorf("%s does not differ any more (%s)", typ.Row().Ident, reason)
				}
			}
		})
	}
}

// compare reports lines of format in which we differ from sysdig, but for its
// differences, whose types it returns.
func (s *script) compare(p *peer, snap *snapshot.State, format string) map[event.Type]bool {
	t := s.t
	t.Helper()
	localUTC(t)
	name := filepath.Join(t.TempDir(), "a.scap")
	theirs := p.lines(t, name, format, snap, s.evs)
	ours := render(t, name, format)
	seen := make(map[event.Type]bool)
	same := 0
	for i, ev := range s.evs {
		typ := ev.Type()
		got, want := p.even(p.asPeer(ours[i], typ), theirs[fmt.Sprintf("%09d", ev.TS()%1e9)])
		switch {
		case want == "" && (typ.Row().Category&spec.Internal != 0 || p.edition == spec.Current && typ.Enter()):
			// sysdig keeps these to itself
		case got == want:
			same++
		case p.differences[typ] != "":
			seen[typ] = true
		default:
			t.Errorf("%d %s\nours   %s\nsysdig %s", typ, typ.Row().Ident, got, want)
		}
	}
	if same < len(s.evs)/2 {
		t.Errorf("only %d of %d lines are the same", same, len(s.evs))
	}
	return seen
}

// peerSnapshot is testSnapshot with the threads of all rows.
func peerSnapshot() *snapshot.State {
	snap := testSnapshot()
	for i := 0; i < len(spec.Events); i += 2 {
		th := snap.Threads[1]
		th.TID, th.PID, th.VTID, th.VPID = rowTID(event.Type(i)), rowTID(event.Type(i)), rowTID(event.Type(i)), rowTID(event.Type(i))
		th.FDs = append(th.FDs[:len(th.FDs):len(th.FDs)], snapshot.FD{
			FD: 5, Type: snapshot.FDIPv4Sock, Proto: snapshot.L4TCP,
			SrcIP: []byte{127, 0, 0, 1}, SrcPort: 4000, DstIP: []byte{127, 0, 0, 2}, DstPort: 80,
		})
		snap.Threads = append(snap.Threads, th)
	}
	return snap
}

// known asks sysdig for its events, each version once.
func (p *peer) known(t *testing.T) map[string]int {
	t.Helper()
	if known := knownBy[p.Version]; known != nil {
		return known
	}
	known := make(map[string]int)
	for l := range strings.Lines(p.Run(t, "-L")) {
		name, params, ok := strings.Cut(strings.TrimSpace(l), "(")
		if params = strings.TrimSuffix(params, ")"); ok {
			known[name] = 0
			if params != "" {
				known[name] = strings.Count(params, ", ") + 1
			}
		}
	}
	knownBy[p.Version] = known
	return known
}

var knownBy = make(map[string]map[string]int)

// asPeer makes of a line of ours what sysdig can know: parameters that it does
// not have are left out, and those that had another name or type get it back.
func (p *peer) asPeer(line string, typ event.Type) string {
	row := typ.Row()
	line, rest, more := strings.Cut(line, wideMark)
	n, ok := p.params[string(direction(typ))+" "+row.Name]
	if ok && n < len(row.Params) {
		if i := strings.LastIndex(line, " "+row.Params[n].Name+"="); i >= 0 {
			line = line[:i]
		}
	}
	line = strings.NewReplacer(" vpgid=", " pgid=", " loginuid=-1(<NONE>)", " loginuid=-1").Replace(line)
	if more {
		line += " " + wideMark + rest
	}
	return line
}

// even makes lines the same that only differ in spaces, or in what they say of a
// descriptor that is not known, of which the old version has leftovers, or of a
// file whose path is not known from the root; and, for the new version, in the
// number of the event, which it does not count for those that it hides, and in
// the word for what is empty.
func (p *peer) even(ours, theirs string) (string, string) {
	a, b := strings.Fields(ours), strings.Fields(theirs)
	if p.edition == spec.Current && len(a) > 0 && len(b) > 0 {
		b[0] = a[0]
		for _, l := range [][]string{a, b} {
			for i, f := range l {
				if name, val, ok := strings.Cut(f, "="); ok && (val == "NULL" || val == state.NA) {
					l[i] = name + "="
				}
			}
		}
	}
	ours, theirs = strings.Join(a, " "), strings.Join(b, " ")
	head, fd, ok := strings.Cut(ours, wideFD)
	if f := strings.Fields(fd); ok && (f[2] == state.NA || f[2] == "file" && f[1][0] != '/') {
		theirs, _, _ = strings.Cut(theirs, wideFD)
		return head, theirs
	}
	return ours, theirs
}

// lines writes a capture and returns sysdig's line of each event by the
// nanoseconds of its time.
func (p *peer) lines(t *testing.T, name, format string, snap *snapshot.State, evs []*event.Event) map[string]string {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := capture.NewWriter(f, snap, capture.Options{Profile: p.edition})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range evs {
		if err := w.WriteEvent(ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out := p.Run(t, "-r", name, "-p", "*"+format)
	lines := make(map[string]string)
	for l := range strings.Lines(out) {
		l = strings.TrimRight(l, " \n")
		if _, after, ok := strings.Cut(l, "."); ok && len(after) >= 9 {
			lines[after[:9]] = l
		}
	}
	return lines
}

// render returns our line of each event of a capture.
func render(t *testing.T, name, format string) []string {
	t.Helper()
	r, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out strings.Builder
	w, err := NewFormat(&out, format, Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := state.New(r.State())
	var ev event.Event
	for r.ReadInto(&ev) == nil {
		st.Apply(&ev)
		if err := w.Write(&ev, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}
