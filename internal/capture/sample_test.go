package capture

import (
	"bytes"
	"io"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

const baseTime = 1_700_000_000_000_000_000 // of sample events, ns since the epoch

// A script lays out events one after the other for one edition.
type script struct {
	t       testing.TB
	profile spec.Profile
	ts      uint64
	events  []event.Event
}

// add appends an event with the first parameters of its row, as many as the
// edition has; further values are dropped. Strings, byte slices, integers and
// nil (empty) are values.
func (s *script) add(tid int64, t event.Type, values ...any) {
	s.t.Helper()
	row := t.Row()
	if row.In&s.profile == 0 {
		return
	}
	n := row.NumParams(s.profile)
	if len(values) < n {
		s.t.Fatalf("%s: %d values, want %d", row.Ident, len(values), n)
	}
	var b event.Builder
	s.ts++
	b.Begin(t, baseTime+s.ts, tid, n)
	for i, v := range values[:n] {
		switch v := v.(type) {
		case nil:
			b.PutEmpty()
		case string:
			b.PutString(v)
		case []byte:
			b.PutBytes(v)
		case int:
			b.PutInt(row.Params[i].Type.Size(), uint64(v))
		default:
			s.t.Fatalf("value %v", v)
		}
	}
	var ev event.Event
	if _, err := ev.Parse(b.End()); err != nil {
		s.t.Fatal(err)
	}
	ev.CPU = uint16(len(s.events) % 2)
	s.events = append(s.events, ev)
}

// sampleState is a machine with a shell that has one thread more and one
// descriptor of each kind.
func sampleState() *snapshot.State {
	long := string(bytes.Repeat([]byte("x"), 5000))
	shell := snapshot.Thread{TID: 100, PID: 100, PTID: 1, SID: 100, VPGID: 100, PGID: 100, VTID: 7, VPID: 7,
		Comm: "bash", Exe: "/bin/bash", ExePath: "/usr/bin/bash", Args: []string{"-c", "", "a b"}, Env: []string{"A=1", "B="},
		CWD: "/home/u/", Root: "/", Cgroups: []string{"cpuset=/", "cpu=/x"}, FDLimit: 1024, UID: 1000, GID: 1001, LoginUID: 1002,
		VMSize: 10, VMRSS: 11, VMSwap: 12, MajFault: 13, MinFault: 14, TTY: 34817, PIDNSInitStart: 15,
		CapInh: 1, CapPrm: 3, CapEff: 2, ExeWritable: true, ExeUpperLayer: true, ExeLowerLayer: true, ExeMemfd: true,
		ExeIno: 16, ExeCTime: 17, ExeMTime: 18,
		FDs: []snapshot.FD{
			{FD: 0, Ino: 20, Type: snapshot.FDFileV2, Name: "/dev/pts/1", Flags: 3, Dev: 34817},
			{FD: 1, Ino: 21, Type: snapshot.FDFifo, Name: "pipe:[21]"},
			{FD: 2, Ino: 22, Type: snapshot.FDDir, Name: "/home"},
			{FD: 3, Ino: 23, Type: snapshot.FDIPv4Sock, Proto: snapshot.L4TCP, SrcIP: []byte{127, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}, SrcPort: 4000, DstPort: 443},
			{FD: 4, Ino: 24, Type: snapshot.FDIPv4Server, Proto: snapshot.L4TCP, SrcIP: []byte{127, 0, 0, 1}, SrcPort: 80},
			{FD: 5, Ino: 25, Type: snapshot.FDIPv6Sock, Proto: snapshot.L4UDP, SrcIP: ip6(1), DstIP: ip6(2), SrcPort: 4001, DstPort: 53},
			{FD: 6, Ino: 26, Type: snapshot.FDIPv6Server, Proto: snapshot.L4UDP, SrcIP: ip6(3), SrcPort: 54},
			{FD: 7, Ino: 27, Type: snapshot.FDUnixSock, SrcPtr: 0xabc, DstPtr: 0xdef, Name: "/run/u.sock"},
		}}
	for k := snapshot.FDEvent; k <= snapshot.FDPIDFD; k++ {
		if k != snapshot.FDFileV2 {
			shell.FDs = append(shell.FDs, snapshot.FD{FD: int64(k), Ino: 30 + uint64(k), Type: k})
		}
	}
	worker := snapshot.Thread{TID: 101, PID: 100, PTID: 1, SID: 100, VPGID: 100, PGID: -1, VTID: 8, VPID: 7, Comm: "worker", Flags: 0x2001, LoginUID: ^uint32(0)}
	extreme := snapshot.Thread{TID: 200, PID: 200, PTID: 100, Comm: long, Exe: long, ExePath: "/" + long, Args: []string{long, long}, Env: []string{long},
		CWD: "/" + long, Root: long, Cgroups: []string{long}, SID: -1, VPGID: -1, PGID: -1, VTID: -1, VPID: -1,
		FDs: []snapshot.FD{{FD: 9, Ino: 1, Type: snapshot.FDFileV2, Name: "/" + long}, {FD: 10, Ino: 2, Type: snapshot.FDUnixSock, Name: long}}}
	return &snapshot.State{
		Machine: snapshot.Machine{CPUs: 2, Memory: 1 << 34, MaxPID: 1 << 22, Hostname: "somewhere", BootTime: baseTime - 1e12},
		Interfaces: []snapshot.Interface{
			{Name: "lo", Addr: []byte{127, 0, 0, 1}, Mask: []byte{255, 0, 0, 0}, Broadcast: make([]byte, 4)},
			{Name: "eth0", Addr: ip6(9), Mask: ip6(0), Broadcast: make([]byte, 16), LinkSpeed: 1000},
		},
		Users:   []snapshot.User{{UID: 0, GID: 0, Name: "root", Home: "/root", Shell: "/bin/sh"}, {UID: 1000, GID: 1001, Name: "someone", Home: long, Shell: "/bin/bash"}},
		Groups:  []snapshot.Group{{GID: 1001, Name: "some"}, {GID: 1002, Name: long}},
		Threads: []snapshot.Thread{shell, worker, extreme},
	}
}

func ip6(last byte) []byte {
	a := make([]byte, 16)
	a[0], a[1], a[15] = 0xfd, 1, last
	return a
}

// story is a shell that starts a program, which opens, reads, writes, connects
// and ends.
func story(t testing.TB, profile spec.Profile) []event.Event {
	s := &script{t: t, profile: profile}
	clone := func(tid int64, res, self, vtid int, flags int) {
		s.add(tid, event.CloneX, res, "/bin/bash", []byte("-c\x00"), self, self, 100, "", 1024, 1, 2, 100, 50, 0, "bash",
			[]byte("cpuset=/\x00cpu=/x\x00"), flags, 1000, 1001, vtid, vtid, 0)
	}
	tuple := []byte{2, 127, 0, 0, 1, 0xa0, 0x0f, 10, 0, 0, 2, 0xbb, 0x01}
	s.add(100, event.CloneE)
	clone(100, 300, 100, 7, 0)
	clone(300, 0, 300, 9, 0)
	s.add(300, event.ExecveE, "/usr/bin/prog")
	s.add(300, event.ExecveX, 0, "prog", []byte("one\x00two words\x00"), 300, 300, 100, "", 1024, 3, 4, 200, 60, 0, "prog",
		[]byte("cpuset=/\x00"), []byte("HOME=/home/u\x00X=\x00"), 34817, 300, 1002, 1, 0, 0, 0, 77, baseTime-5, baseTime-6, 1000, "/usr/bin/prog", 300, 1001, "/usr/bin/prog")
	s.add(300, event.OpenE, "/etc/hosts", 1, 0)
	s.add(300, event.OpenX, 5, "/etc/hosts", 1, 0, 2049, 88)
	s.add(300, event.OpenatE, event.AtFDCWD, "rel/file", 4|2, 0o644)
	s.add(300, event.OpenatX, -2, event.AtFDCWD, "rel/file", 4|2, 0o644, 0, 0)
	s.add(300, event.ReadE, 5, 4096)
	s.add(300, event.ReadX, 11, []byte("127.0.0.1 h"), 5, 4096)
	s.add(300, event.WriteE, 1, 3)
	s.add(300, event.WriteX, 3, []byte{'h', 'i', 0}, 1, 3)
	s.add(300, event.SocketE, 2, 1, 6)
	s.add(300, event.SocketX, 6, 2, 1, 6, 0)
	s.add(300, event.ConnectE, 6, []byte{2, 10, 0, 0, 2, 0xbb, 0x01})
	s.add(300, event.ConnectX, 0, tuple, 6, []byte{2, 10, 0, 0, 2, 0xbb, 0x01})
	s.add(300, event.WriteE, 6, 4)
	s.add(300, event.WriteX, 4, []byte("GET "), 6, 4)
	s.add(300, event.CloseE, 6)
	s.add(300, event.CloseX, 0, 6)
	s.add(300, event.ChdirE)
	s.add(300, event.ChdirX, 0, "/tmp")
	s.add(300, event.PipeE)
	s.add(300, event.PipeX, 0, 6, 7, 99)
	s.add(300, event.ReadE, 5, 60000)
	s.add(300, event.ReadX, 60000, bytes.Repeat([]byte("z"), 60000), 5, 60000)
	s.add(300, event.ProcExitE, 0, 0, 0, 0, 0)
	s.add(101, event.WriteE, 3, 1)
	s.add(101, event.WriteX, 1, []byte("w"), 3, 1)
	return s.events
}

// everyType is one event of each type that drivers emit in an edition, with
// plausible values.
func everyType(t testing.TB, profile spec.Profile) []event.Event {
	s := &script{t: t, profile: profile}
	for n := range spec.Events {
		row := &spec.Events[n]
		if row.Ident == "" || row.In&profile == 0 || row.Flags&spec.Unused != 0 {
			continue
		}
		var values []any
		for i := range row.Params {
			values = append(values, plausible(&row.Params[i]))
		}
		s.add(100, event.Type(n), values...)
	}
	return s.events
}

func plausible(p *spec.Param) any {
	switch p.Type {
	case spec.String, spec.Path, spec.RelPath:
		return "/a/" + p.Name
	case spec.Bytes, spec.StringArray:
		return []byte("k=v\x00l=w\x00")
	case spec.SockAddr:
		return []byte{2, 10, 0, 0, 2, 0xbb, 0x01}
	case spec.SockTuple:
		return []byte{2, 127, 0, 0, 1, 0xa0, 0x0f, 10, 0, 0, 2, 0xbb, 0x01}
	case spec.FDList:
		return []byte{1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0}
	case spec.Dyn:
		e := spec.FindDyn(p.Dyn).Entries[0]
		return append([]byte{0}, make([]byte, max(e.Type.Size(), 2))...)
	}
	if p.Type.Size() == 0 {
		return nil
	}
	return 1
}

// file writes a capture into memory.
func file(t testing.TB, st *snapshot.State, events []event.Event, opts Options) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, st, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if err := w.WriteEvent(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read reads a capture to its end.
func read(t testing.TB, data []byte) (*Reader, []event.Event) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	events, err := drain(r)
	if err != io.EOF {
		t.Fatal(err)
	}
	return r, events
}

// drain returns the events that are left, and the error that ended them.
func drain(r *Reader) ([]event.Event, error) {
	var events []event.Event
	for {
		var ev event.Event
		if err := r.ReadInto(&ev); err != nil {
			return events, err
		}
		events = append(events, clone(&ev))
	}
}

// clone copies an event, which refers to the reader's memory.
func clone(ev *event.Event) event.Event {
	var c event.Event
	if _, err := c.Parse(bytes.Clone(ev.Bytes())); err != nil {
		panic(err) // it was parsed before
	}
	c.CPU, c.Flags = ev.CPU, ev.Flags
	return c
}

// same compares events in all that a capture holds.
func same(t testing.TB, got, want []event.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		g, w := &got[i], &want[i]
		if !bytes.Equal(g.Bytes(), w.Bytes()) || g.CPU != w.CPU || g.Flags != w.Flags {
			t.Fatalf("event %d:\ngot  %s cpu %d flags %d %x\nwant %s cpu %d flags %d %x",
				i, g.Type(), g.CPU, g.Flags, g.Bytes(), w.Type(), w.CPU, w.Flags, w.Bytes())
		}
	}
}
