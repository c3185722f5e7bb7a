package procfs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Status is what /proc/PID/status says (fs/proc/array.c:proc_pid_status). Lines
// that a kernel leaves out keep the zero value: memory of processes without
// any, the NS ids before Linux 4.1 and on gVisor, Kthread before 6.8.
type Status struct {
	Tgid      int
	Pid       int
	PPid      int
	TracerPid int // 0: not traced

	UID, GID [4]uint32 // real, effective, saved, file system; as the reader's user namespace sees them

	Groups []byte // supplementary groups as decimal text; refers to the parsed bytes

	// Ids in the innermost PID namespace: the last entries of NStgid, NSpid,
	// NSpgid and NSsid. NSSid is 0 for a session of an outer namespace.
	NSTgid, NSPid, NSPgid, NSSid int

	VMSize, VMRSS, VMSwap uint32 // KiB

	Threads int

	SigBlk, SigIgn, SigCgt         uint64 // bit n-1 is signal n
	CapInh, CapPrm, CapEff, CapBnd uint64 // bit n is capability n

	NoNewPrivs bool
	Seccomp    uint8 // one of the constants Seccomp*
	Kthread    bool
}

// Values of Seccomp (include/uapi/linux/seccomp.h).
const (
	SeccompOff    = 0
	SeccompStrict = 1
	SeccompFilter = 2
)

// StatusOf returns the status of a task, zeros if it can't be had.
func StatusOf(tid int) Status { return ReadStatus("/proc/" + strconv.Itoa(tid)) }

// OwnStatus returns our own.
func OwnStatus() Status { return StatusOf(os.Getpid()) }

// ReadStatus returns the status in a task's directory, zeros if it can't be had.
func ReadStatus(dir string) (s Status) {
	text, err := readFile(dir+"/status", maxTable)
	if err != nil || ParseStatus(text, &s) != nil {
		return Status{}
	}
	return s
}

// Capable reports whether a capability is in the effective set.
func (s *Status) Capable(c int) bool { return s.CapEff>>c&1 != 0 }

// ParseStatus takes the text of a status file. A process's name has its
// newlines escaped there, so lines cannot be forged.
func ParseStatus(b []byte, s *Status) error {
	*s = Status{}
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			continue
		}
		if !s.set(line[:colon], line[colon+1:]) {
			return fmt.Errorf("parse status: line %q: %w", clip(line), errFormat)
		}
	}
	if s.Pid == 0 {
		return fmt.Errorf("parse status: no Pid line: %w", errFormat)
	}
	return nil
}

// set stores one line and reports whether its value was understood. The
// conversions of key do not allocate (the compiler compares in place).
func (s *Status) set(key, value []byte) (ok bool) {
	switch string(key) {
	case "Tgid":
		return integer(value, &s.Tgid)
	case "Pid":
		return integer(value, &s.Pid)
	case "PPid":
		return integer(value, &s.PPid)
	case "TracerPid":
		return integer(value, &s.TracerPid)
	case "Uid":
		return ids(value, &s.UID)
	case "Gid":
		return ids(value, &s.GID)
	case "Groups":
		s.Groups = value
	case "NStgid":
		return integer(lastField(value), &s.NSTgid)
	case "NSpid":
		return integer(lastField(value), &s.NSPid)
	case "NSpgid":
		return integer(lastField(value), &s.NSPgid)
	case "NSsid":
		return integer(lastField(value), &s.NSSid)
	case "VmSize":
		return kib(value, &s.VMSize)
	case "VmRSS":
		return kib(value, &s.VMRSS)
	case "VmSwap":
		return kib(value, &s.VMSwap)
	case "Threads":
		return integer(value, &s.Threads)
	case "SigBlk":
		return mask(value, &s.SigBlk)
	case "SigIgn":
		return mask(value, &s.SigIgn)
	case "SigCgt":
		return mask(value, &s.SigCgt)
	case "CapInh":
		return mask(value, &s.CapInh)
	case "CapPrm":
		return mask(value, &s.CapPrm)
	case "CapEff":
		return mask(value, &s.CapEff)
	case "CapBnd":
		return mask(value, &s.CapBnd)
	case "NoNewPrivs":
		return flag(value, &s.NoNewPrivs)
	case "Kthread":
		return flag(value, &s.Kthread)
	case "Seccomp":
		var v int
		ok = integer(value, &v)
		s.Seccomp = uint8(v)
		return ok
	}
	return true
}

func integer(value []byte, p *int) bool {
	v, _, ok := cutNumber(value)
	*p = int(v)
	return ok
}

func flag(value []byte, p *bool) bool {
	v, _, ok := cutNumber(value)
	*p = v != 0
	return ok
}

func mask(value []byte, p *uint64) (ok bool) {
	f, _ := cutField(value)
	*p, ok = number(f, 16)
	return ok
}

// kib reads "  1234 kB", saturating: the contract has 32 bits.
func kib(value []byte, p *uint32) bool {
	v, _, ok := cutNumber(value)
	*p = uint32(min(v, 1<<32-1))
	return ok
}

func ids(value []byte, p *[4]uint32) bool {
	for i := range p {
		v, rest, ok := cutNumber(value)
		if !ok {
			return false
		}
		p[i], value = uint32(v), rest
	}
	return true
}

// clip shortens text for error messages.
func clip(b []byte) []byte { return b[:min(len(b), 40)] }
