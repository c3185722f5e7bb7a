package capture

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// oldFile lays out a capture as its former writers did: put writes what
// precedes the events.
func oldFile(put func(w *Writer)) []byte {
	var out bytes.Buffer
	w := &Writer{w: &out}
	w.section()
	put(w)
	_ = w.Flush() // into memory
	return out.Bytes()
}

// Every version of the process list holds what it held when it was current.
func TestProcessLists(t *testing.T) {
	types := []blockType{processV1, processV2, processV3, processV4, 0x211, 0x212, 0x213, processV8, processV9}
	old := map[int]blockType{1: oldProcessV1, 2: oldProcessV2, 3: oldProcessV3}
	for i, kind := range types {
		version := i + 1
		full := sampleState().Threads[0]
		full.FDs = nil
		want := full
		for _, f := range []struct {
			since int
			clear func(*snapshot.Thread)
		}{
			{2, func(t *snapshot.Thread) {
				t.VMSize, t.VMRSS, t.VMSwap, t.MajFault, t.MinFault = 0, 0, 0, 0, 0
			}},
			{3, func(t *snapshot.Thread) { t.Env = nil }},
			{4, func(t *snapshot.Thread) { t.VTID, t.VPID, t.Cgroups = -1, -1, nil }},
			{5, func(t *snapshot.Thread) { t.Root = "" }},
			{6, func(t *snapshot.Thread) { t.SID = -1 }},
			{7, func(t *snapshot.Thread) { t.ExePath = "" }},
			{8, func(t *snapshot.Thread) { t.VPGID = -1 }},
			{9, func(t *snapshot.Thread) {
				t.PIDNSInitStart, t.TTY, t.PGID, t.LoginUID = 0, 0, -1, ^uint32(0)
				t.CapInh, t.CapPrm, t.CapEff, t.ExeIno, t.ExeCTime, t.ExeMTime = 0, 0, 0, 0, 0, 0
				t.ExeWritable, t.ExeUpperLayer, t.ExeLowerLayer, t.ExeMemfd = false, false, false, false
			}},
		} {
			if version < f.since {
				f.clear(&want)
			}
		}
		for _, kind := range []blockType{kind, old[version]} {
			if kind == 0 {
				continue
			}
			data := oldFile(func(w *Writer) {
				w.begin(kind)
				for _, tid := range []int64{100, 102} {
					th := full
					th.TID = tid
					oldProcess(w, &th, version)
				}
				w.end()
			})
			r, _ := read(t, data)
			second := want
			second.TID = 102
			if got := r.State().Threads; !reflect.DeepEqual(got, []snapshot.Thread{want, second}) {
				t.Errorf("version %d:\ngot  %+v\nwant %+v", version, got, want)
			}
		}
	}
}

func oldProcess(w *Writer, t *snapshot.Thread, version int) {
	if version == 9 {
		w.process(t)
		return
	}
	w.u64(uint64(t.TID))
	w.u64(uint64(t.PID))
	w.u64(uint64(t.PTID))
	if version >= 6 {
		w.u64(uint64(t.SID))
	}
	if version >= 8 {
		w.u64(uint64(t.VPGID))
	}
	w.text(t.Comm, maxPath)
	w.text(t.Exe, maxPath)
	if version >= 7 {
		w.text(t.ExePath, maxPath)
	}
	w.list(t.Args, maxList)
	w.text(t.CWD, maxPath)
	w.u64(uint64(t.FDLimit))
	w.u32(t.Flags)
	w.u32(t.UID)
	w.u32(t.GID)
	if version >= 2 {
		w.u32(t.VMSize)
		w.u32(t.VMRSS)
		w.u32(t.VMSwap)
		w.u64(t.MajFault)
		w.u64(t.MinFault)
	}
	if version >= 3 {
		w.list(t.Env, maxList)
	}
	if version >= 4 {
		w.u64(uint64(t.VTID))
		w.u64(uint64(t.VPID))
		w.list(t.Cgroups, maxList)
	}
	if version >= 5 {
		w.text(t.Root, maxPath)
	}
}

// The tail of version 9 may end behind any field, and go on behind those known.
func TestProcessTail(t *testing.T) {
	full := sampleState().Threads[0]
	full.FDs = nil
	body := func(n int) []byte {
		return oldFile(func(w *Writer) {
			w.begin(processV9)
			at := len(w.buf)
			w.process(&full)
			w.buf = append(w.buf, 1, 2, 3, 4, 5) // of a later version
			w.buf = w.buf[:len(w.buf)-n]
			order.PutUint32(w.buf[at:], uint32(len(w.buf)-at))
			w.end()
		})
	}
	r, _ := read(t, body(0))
	if got := r.State().Threads[0]; !reflect.DeepEqual(got, full) {
		t.Errorf("with more:\ngot  %+v\nwant %+v", got, full)
	}
	r, _ = read(t, body(5+8+1)) // libs 0.13
	want := full
	want.PGID, want.ExeLowerLayer = -1, false
	if got := r.State().Threads[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("with less:\ngot  %+v\nwant %+v", got, want)
	}
}

func TestOldLists(t *testing.T) {
	want := sampleState()
	thread := want.Threads[1]
	for _, kinds := range [][3]blockType{{fdListV1, usersV1, interfacesV1}, {oldFDListV1, oldUsersV1, oldInterfacesV1}} {
		data := oldFile(func(w *Writer) {
			w.begin(oldMachineInfo)
			w.u32(3)
			w.buf = append(w.buf, make([]byte, machineBody-4)...)
			w.end()
			w.begin(kinds[2])
			for _, kind := range []uint16{ifaceIPv4, ifaceIPv4NoSpeed, ifaceIPv6, ifaceIPv6NoSpeed} {
				w.u16(kind)
				w.u16(3)
				size := 4
				if kind == ifaceIPv6 || kind == ifaceIPv6NoSpeed {
					size = 16
				}
				w.buf = append(w.buf, bytes.Repeat([]byte{byte(kind)}, 3*size)...)
				if kind == ifaceIPv4 || kind == ifaceIPv6 {
					w.u64(7)
				}
				w.buf = append(w.buf, "abc"...)
			}
			w.end()
			w.begin(kinds[1])
			w.u8(entryUser)
			w.u32(1)
			w.u32(2)
			w.text("n", maxCredential)
			w.text("h", maxCredential)
			w.text("s", maxCredential)
			w.u8(entryGroup)
			w.u32(3)
			w.text("g", maxCredential)
			w.end()
			w.begin(oldProcessV1)
			oldProcess(w, &thread, 1)
			w.end()
			w.begin(kinds[0])
			w.u64(uint64(thread.TID))
			for _, fd := range []snapshot.FDType{snapshot.FDFile, 99, snapshot.FDFifo} {
				w.u64(uint64(fd))
				w.u64(5)
				w.u8(uint8(fd))
				w.text("name", maxPath)
			}
			w.end()
		})
		r, _ := read(t, data)
		st := r.State()
		if st.Machine.CPUs != 3 || len(st.Interfaces) != 4 || st.Interfaces[1].LinkSpeed != 0 || st.Interfaces[2].LinkSpeed != 7 ||
			st.Interfaces[3].Name != "abc" || len(st.Interfaces[3].Mask) != 16 {
			t.Errorf("%+v", st)
		}
		if len(st.Users) != 1 || st.Users[0] != (snapshot.User{UID: 1, GID: 2, Name: "n", Home: "h", Shell: "s"}) ||
			len(st.Groups) != 1 || st.Groups[0] != (snapshot.Group{GID: 3, Name: "g"}) {
			t.Errorf("%+v %+v", st.Users, st.Groups)
		}
		// Behind a kind that is not known the list makes no sense.
		if fds := st.Threads[0].FDs; len(fds) != 2 || fds[0].Name != "name" || fds[1].Type != snapshot.FDUnsupported {
			t.Errorf("%+v", fds)
		}
	}
}

// Events of version 1 lack the number of parameters.
func TestOldEvents(t *testing.T) {
	events := append(story(t, spec.V036), story(t, spec.Current)...)
	b := event.Builder{}
	b.Begin(event.NotificationE, baseTime, 1, 2)
	b.PutString("id")
	b.PutString("text")
	var note event.Event
	if _, err := note.Parse(b.End()); err != nil {
		t.Fatal(err)
	}
	events = append(events, note)
	for _, kind := range []blockType{eventV1, oldEventV1, eventFlagsV1} {
		data := oldFile(func(w *Writer) {
			for i := range events {
				ev := &events[i]
				w.begin(kind)
				w.u16(ev.CPU)
				if kind == eventFlagsV1 {
					w.u32(uint32(ev.Flags))
				}
				at := len(w.buf)
				w.buf = append(append(w.buf, ev.Bytes()[:headerV1]...), ev.Bytes()[event.HeaderSize:]...)
				length := len(w.buf) - at
				if ev.Type() == event.NotificationE {
					length += 3
				}
				order.PutUint32(w.buf[at+16:], uint32(length))
				w.end()
			}
		})
		_, got := read(t, data)
		same(t, got, events)
	}
}
