package procfs

import (
	"bytes"
	"fmt"
)

// Stat is what /proc/PID/stat or /proc/PID/task/TID/stat says
// (fs/proc/array.c:do_task_stat). Ids are in the PID namespace of the /proc
// that was read. Fields that a kernel leaves out are 0.
type Stat struct {
	PID        int
	Comm       []byte // refers to the parsed bytes; at most 15 bytes, 63 for kernel threads
	State      byte   // R, S, D, T, t, Z, X, ...
	PPID       int
	PGRP       int
	Session    int
	TTY        uint32 // new_encode_dev, which is how the contract has it too; 0: none
	TPGID      int    // -1: none
	Flags      uint32 // PF_* of the kernel
	MinFlt     uint64
	MajFlt     uint64
	UTime      uint64 // clock ticks, as all times here (100 a second for user space)
	STime      uint64
	Threads    int
	StartTime  uint64 // clock ticks since boot
	VSize      uint64 // bytes
	RSS        uint64 // pages
	ArgStart   uint64 // addresses; 0 without the right to ptrace the process
	ArgEnd     uint64
	EnvStart   uint64
	EnvEnd     uint64
	SigIgn     uint64 // signals 1 to 31, the first in bit 0: ignored
	SigCgt     uint64 // caught
	ExitSignal int    // -1 for threads that are not the leader
	Processor  int
}

// kthread is the kernel's PF_KTHREAD (include/linux/sched.h).
const kthread = 0x00200000

// Kernel reports whether the thread is the kernel's own.
func (s *Stat) Kernel() bool { return s.Flags&kthread != 0 }

// TicksPerSecond is the unit of times in stat: USER_HZ, 100 on every machine
// that the contract covers (include/asm-generic/param.h).
const TicksPerSecond = 100

// ReadStat returns the stat in a task's directory.
func ReadStat(dir string) (s Stat, err error) {
	text, err := readFile(dir+"/stat", maxSmall)
	if err == nil {
		err = ParseStat(text, &s)
	}
	return s, err
}

// ParseStat takes the text of a stat file. The comm may itself hold blanks,
// parentheses and newlines: it ends at the last parenthesis.
func ParseStat(b []byte, s *Stat) error {
	*s = Stat{}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return fmt.Errorf("parse stat: %w", errFormat)
	}
	pid, _, ok := cutNumber(b[:open])
	state, rest := cutField(b[end+1:])
	if !ok || len(state) != 1 {
		return fmt.Errorf("parse stat: %w", errFormat)
	}
	s.PID, s.Comm, s.State = int(pid), b[open+1:end], state[0]
	// Fields are counted as in proc(5), where the state is the third.
	const needed, last = 24, 51
	for i := 4; i <= last; i++ {
		var f []byte
		if f, rest = cutField(rest); len(f) == 0 {
			if i <= needed {
				return fmt.Errorf("parse stat: field %d missing: %w", i, errFormat)
			}
			return nil
		}
		v, ok := number(f, 10)
		if !ok {
			return fmt.Errorf("parse stat: field %d: %w", i, errFormat)
		}
		s.set(i, v)
	}
	return nil
}

func (s *Stat) set(field int, v uint64) {
	switch field {
	case 4:
		s.PPID = int(v)
	case 5:
		s.PGRP = int(v)
	case 6:
		s.Session = int(v)
	case 7:
		s.TTY = uint32(v)
	case 8:
		s.TPGID = int(v)
	case 9:
		s.Flags = uint32(v)
	case 10:
		s.MinFlt = v
	case 12:
		s.MajFlt = v
	case 14:
		s.UTime = v
	case 15:
		s.STime = v
	case 20:
		s.Threads = int(v)
	case 22:
		s.StartTime = v
	case 23:
		s.VSize = v
	case 24:
		s.RSS = v
	case 33:
		s.SigIgn = v
	case 34:
		s.SigCgt = v
	case 38:
		s.ExitSignal = int(v)
	case 39:
		s.Processor = int(v)
	case 48:
		s.ArgStart = v
	case 49:
		s.ArgEnd = v
	case 50:
		s.EnvStart = v
	case 51:
		s.EnvEnd = v
	}
}
