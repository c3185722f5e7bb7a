package output

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// variants is how many values sample knows of each type: plausible ones, those
// of a call that failed and the largest, others, the smallest and empty ones, and
// others again.
const variants = 5

// everyRow adds events of every row that an edition emits and the peer knows.
func everyRow(s *script, p *peer) {
	for variant := range variants {
		for i := range spec.Events {
			row := &spec.Events[i]
			if row.In&p.edition == 0 || i >= p.events || row.Category&spec.Iter != 0 {
				continue
			}
			switch row.Name {
			case "clone", "fork", "vfork", "clone3", "execve", "execveat", "procexit":
				continue // they make and end threads: see TestProcessesLikeSysdig
			}
			n := row.NumParams(p.edition)
			if p.edition == spec.Current {
				// A reader of captures gives up at parameters that it does not know.
				known, ok := p.params[string(direction(event.Type(i)))+" "+row.Name]
				if !ok {
					continue
				}
				n = min(n, known)
			}
			args := make([]any, n)
			for j := range args {
				args[j] = sample(row, j, variant)
			}
			s.add(rowTID(event.Type(i)), event.Type(i), args...)
		}
	}
}

// rowTID is the thread that the made-up events of a row happen on: each has its
// own, so that they do not spoil each other's descriptors.
func rowTID(typ event.Type) int64 { return 1000 + int64(typ)&^1 }

// sample makes up the value of a parameter.
func sample(row *spec.Event, i, variant int) any {
	p := &row.Params[i]
	typ := p.Type
	var head []byte
	if typ == spec.Dyn {
		d := spec.FindDyn(p.Dyn)
		n := variant % len(d.Entries)
		typ, head = d.Entries[n].Type, []byte{byte(n)}
	}
	v := sampleOf(p, typ, variant)
	switch c := row.Category & spec.CategoryMask; {
	case i == 0 && !row.Enter() && (typ == spec.Errno || typ == spec.FD):
		v = []int{20, -2, 0, 0, -512}[variant]
	case p.Name == "fd1", p.Name == "fd2":
		v = 30 + int(p.Name[2]-'0')
	case typ == spec.FD && variant == 0 && (c == spec.Net || strings.HasPrefix(row.Name, "send") || strings.HasPrefix(row.Name, "recv")):
		v = 5
	}
	if head == nil {
		return v
	}
	switch v := v.(type) {
	case int:
		for n := range typ.Size() {
			head = append(head, byte(v>>(8*n)))
		}
	case []byte:
		head = append(head, v...)
	case string:
		head = append(append(head, v...), 0)
	}
	return head
}

// dirty is text that a terminal would act on.
const dirty = "a\x1b[1m\nü\x9b~"

// newerFlags are bits of tables that sysdig has no name for.
var newerFlags = map[string]int{"file_flags": 7 << 14, "clone_flags": 1 << 29}

func sampleOf(p *spec.Param, typ spec.Type, variant int) any {
	switch typ {
	case spec.FD, spec.FD32:
		return []int{3, event.AtFDCWD, 99, 0, 4}[variant]
	case spec.PID, spec.PID32:
		return []int{100, 1, 4711, 0, -1}[variant]
	case spec.String:
		return []string{"text", "", "a b", "<NA>", "(x)"}[variant]
	case spec.Path, spec.RelPath:
		return []string{"dir/../file", "/abs//path/", ".", "<NA>", "../../..x/y"}[variant]
	case spec.Bytes:
		return [][]byte{[]byte("data"), []byte("\x00\x01a\xffb\n"), bytes.Repeat([]byte("x"), 200), nil,
			bytes.Repeat([]byte(dirty), 8)}[variant]
	case spec.SockAddr:
		return [][]byte{sock4(1, 80), sockUnix("/run/s"), sock6("fe80::1", 8080), nil, sockUnix("/run/t")}[variant]
	case spec.SockTuple:
		return [][]byte{tuple(sock4(1, 4000), sock4(2, 80)), tupleUnix(0xabc, 0, "/run/s"),
			tuple(sock6("fe80::3", 1), sock6("::1", 2)), nil, tuple(sock6("::ffff:1.2.3.4", 1), sock6("::ffff:4.3.2.1", 2))}[variant]
	case spec.FDList:
		return [][]byte{
			{2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0x41, 0}, {0, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0},
			{0, 0}, {1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		}[variant]
	case spec.Signal:
		return []int{9, 0, 64, 0, 32}[variant]
	case spec.RelTime:
		return []int{1_500_000_000, -1, 1234, 0, 123_456_789_123_456}[variant]
	case spec.AbsTime:
		return []int{1_600_000_000_000_000_001, 0, 1, 0, 1}[variant]
	case spec.UID, spec.GID:
		return []int{0, -1, 1234567, 0, -2}[variant]
	case spec.SyscallID:
		return []int{16, 11, 1, 1, 2}[variant]
	}
	if t := spec.FindTable(p.Table); t != nil {
		return sampleFlags(t, typ, variant)
	}
	return []int{5, -1, 0, 0, 1 << 30}[variant]
}

func sampleFlags(t *spec.FlagTable, typ spec.Type, variant int) int {
	all := 0
	for _, f := range t.Values {
		all |= int(f.Value)
	}
	switch typ {
	case spec.Enum8, spec.Enum16, spec.Enum32:
		all = int(t.Values[len(t.Values)-1].Value)
	}
	n := len(t.Values)
	return []int{int(t.Values[0].Value), all &^ newerFlags[t.Name], int(t.Values[n/2].Value), 0, int(t.Values[n/3].Value)}[variant]
}

// sock4, sock6 and sockUnix make values of type SockAddr.
func sock4(last byte, port uint16) []byte {
	return binary.LittleEndian.AppendUint16([]byte{afInet, 127, 0, 0, last}, port)
}

func sock6(addr string, port uint16) []byte {
	a := netip.MustParseAddr(addr).As16()
	return binary.LittleEndian.AppendUint16(append([]byte{afInet6}, a[:]...), port)
}

func sockUnix(path string) []byte {
	return append(append([]byte{afUnix}, path...), 0)
}

// tuple and tupleUnix make values of type SockTuple.
func tuple(src, dst []byte) []byte {
	return append(src[:len(src):len(src)], dst[1:]...)
}

func tupleUnix(a, b uint64, path string) []byte {
	t := binary.LittleEndian.AppendUint64([]byte{afUnix}, a)
	t = binary.LittleEndian.AppendUint64(t, b)
	return append(append(t, path...), 0)
}
