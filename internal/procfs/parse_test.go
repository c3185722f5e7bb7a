package procfs

import (
	"os"
	"reflect"
	"slices"
	"testing"
)

// A stat line as Linux 6.18 prints it, of a process whose name holds what the
// format itself is made of.
const statText = "5929 (a) R 1 (b c) S 5908 5907 3777 34816 5928 4194304 115 7 3 9 21 22 0 0 20 0 4 0 98765 3133440 442 18446744073709551615 " +
	"94110976847872 94110976868425 140723390377120 0 0 0 0 4096 134217728 0 0 0 17 1 0 0 0 0 0 94110976881008 94110976882664 94111006650368 " +
	"140723390383433 140723390383453 140723390383454 140723390386155 0\n"

const statusText = `Name:	x\ny
Umask:	0022
State:	S (sleeping)
Tgid:	5929
Ngid:	0
Pid:	5930
PPid:	5908
TracerPid:	77
Uid:	1000	1001	1002	1003
Gid:	100	4294967294	102	103
FDSize:	256
Groups:	4 24 1000 
NStgid:	5929	12	3
NSpid:	5930	13	4
NSpgid:	5908	11	0
NSsid:	3777	0	0
Kthread:	0
VmPeak:	    3060 kB
VmSize:	    3064 kB
VmRSS:	    1768 kB
VmSwap:	       8 kB
Threads:	4
SigQ:	0/96365
SigBlk:	0000000000010000
SigIgn:	0000000000001000
SigCgt:	8000000000000002
CapInh:	0000000000000001
CapPrm:	000001fffeffffff
CapEff:	000001fffefffffe
CapBnd:	000001ffffffffff
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	1
`

func TestParseStat(t *testing.T) {
	var s Stat
	if err := ParseStat([]byte(statText), &s); err != nil {
		t.Fatal(err)
	}
	if string(s.Comm) != "a) R 1 (b c" {
		t.Errorf("comm %q", s.Comm)
	}
	s.Comm = nil
	want := Stat{PID: 5929, State: 'S', PPID: 5908, PGRP: 5907, Session: 3777, TTY: 34816, TPGID: 5928, Flags: 4194304,
		MinFlt: 115, MajFlt: 3, UTime: 21, STime: 22, Threads: 4, StartTime: 98765, VSize: 3133440, RSS: 442,
		ArgStart: 140723390383433, ArgEnd: 140723390383453, EnvStart: 140723390383454, EnvEnd: 140723390386155, SigIgn: 1 << 12, SigCgt: 1 << 27,
		ExitSignal: 17, Processor: 1}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	for _, bad := range []string{"", "1", "1 (x", "1 x) S", "1 (x) S 1 2 3", "1 (x) S 1 2 3 y", "(x) S 1"} {
		if ParseStat([]byte(bad), &s) == nil {
			t.Errorf("ParseStat(%q): no error", bad)
		}
	}
}

func TestParseStatm(t *testing.T) {
	var s Statm
	if err := ParseStatm([]byte("765 442 414 5 0 94 0\n"), &s); err != nil || s != (Statm{765, 442, 414}) {
		t.Errorf("%+v, %v", s, err)
	}
	if ParseStatm([]byte("765 x"), &s) == nil {
		t.Error("no error")
	}
}

func TestParseStatus(t *testing.T) {
	var s Status
	if err := ParseStatus([]byte(statusText), &s); err != nil {
		t.Fatal(err)
	}
	want := Status{Tgid: 5929, Pid: 5930, PPid: 5908, TracerPid: 77,
		UID: [4]uint32{1000, 1001, 1002, 1003}, GID: [4]uint32{100, 4294967294, 102, 103},
		NSTgid: 3, NSPid: 4, NSPgid: 0, NSSid: 0, VMSize: 3064, VMRSS: 1768, VMSwap: 8, Threads: 4,
		SigBlk: 0x10000, SigIgn: 0x1000, SigCgt: 0x8000000000000002,
		CapInh: 1, CapPrm: 0x1fffeffffff, CapEff: 0x1fffefffffe, CapBnd: 0x1ffffffffff, NoNewPrivs: true, Seccomp: 2}
	if !s.inGroup(24) || s.inGroup(2) || s.inGroup(0) {
		t.Errorf("groups %q", s.Groups)
	}
	if s.Groups = nil; !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	for _, bad := range []string{"", "Pid:\tx\n", "Pid:\t1\nUid:\t1 2\n"} {
		if ParseStatus([]byte(bad), &s) == nil {
			t.Errorf("ParseStatus(%q): no error", bad)
		}
	}
}

func TestParseLimits(t *testing.T) {
	for text, want := range map[string]int64{
		"Limit                     Soft Limit           Hard Limit           Units     \n" +
			"Max open files            20000                20001                files     \n": 20000,
		"Max open files            unlimited            unlimited            files     \n": -1,
	} {
		if got, err := ParseLimits([]byte(text)); err != nil || got != want {
			t.Errorf("%d, %v; want %d", got, err, want)
		}
	}
	if _, err := ParseLimits([]byte("Max open files  many\n")); err == nil {
		t.Error("no error")
	}
}

func TestSplitStrings(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 nil,
		"\x00":             {""},
		"a\x00b c\x00":     {"a", "b c"},
		"a\x00\x00":        {"a", ""},
		"a\x00\x00b\x00":   {"a", "", "b"},
		"title: idle":      {"title: idle"},
		"a: b\x00\x00\x00": {"a: b"},
	} {
		if got := SplitStrings([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("SplitStrings(%q) = %q, want %q", text, got, want)
		}
	}
	if first, rest := CutString([]byte("a\x00b\x00c\x00")); string(first) != "a" || string(rest) != "b\x00c\x00" {
		t.Errorf("%q, %q", first, rest)
	}
}

func TestParseFDInfo(t *testing.T) {
	var f FDInfo
	err := ParseFDInfo([]byte("pos:\t42\nflags:\t02100002\nmnt_id:\t23\nino:\t3\ntfd:        5 events:       19 data: ffffffff pos:0 ino:3 sdev:8\n"), &f)
	if want := (FDInfo{42, 0o2100002, 23, 3}); err != nil || f != want {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{"", "pos:\t1\n", "flags:\t8\n"} {
		if ParseFDInfo([]byte(bad), &f) == nil {
			t.Errorf("ParseFDInfo(%q): no error", bad)
		}
	}
}

// A driver parses with each event: it must not feed the garbage collector.
func TestParseAllocates(t *testing.T) {
	stat, status, cg := []byte(statText), []byte(statusText), []byte(cgroupV1)
	var st Stat
	var ss Status
	var c Cgroup
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		_ = ParseStat(stat, &st)
		_ = ParseStatus(status, &ss)
		_ = ParseCgroup(cg, &c)
		dst = c.Append(dst[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParseSelf(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile("/proc/self/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var s Stat
	if err := ParseStat(read("stat"), &s); err != nil || s.PID != os.Getpid() || s.PPID != os.Getppid() {
		t.Errorf("%+v, %v", s, err)
	}
	var st Status
	if err := ParseStatus(read("status"), &st); err != nil || st.Pid != os.Getpid() || st.UID[1] != uint32(os.Geteuid()) {
		t.Errorf("%+v, %v", st, err)
	}
	var m Statm
	if err := ParseStatm(read("statm"), &m); err != nil || m.Resident == 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if n, err := ParseLimits(read("limits")); err != nil || n == 0 {
		t.Errorf("%d, %v", n, err)
	}
	if got := SplitStrings(read("cmdline")); !slices.Equal(got, os.Args) {
		t.Errorf("%q, want %q", got, os.Args)
	}
}
