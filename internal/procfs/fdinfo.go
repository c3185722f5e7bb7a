package procfs

import (
	"bytes"
	"fmt"
)

// FDInfo is what /proc/PID/fdinfo/FD says about every descriptor
// (fs/proc/fd.c:seq_show).
type FDInfo struct {
	Pos   int64
	Flags uint64 // O_* of the traced machine, O_CLOEXEC included
	MntID int
	Ino   uint64 // 0 before Linux 5.14
}

// ParseFDInfo takes the text of a fdinfo file. What a kind of file adds behind
// the common lines (epoll's targets, locks) is passed over.
func ParseFDInfo(b []byte, f *FDInfo) error {
	*f = FDInfo{}
	seen := false
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			continue
		}
		value, _ := cutField(line[colon+1:])
		var v uint64
		ok := true
		switch string(line[:colon]) {
		case "pos":
			v, ok = number(value, 10)
			f.Pos = int64(v)
		case "flags":
			f.Flags, ok = number(value, 8)
			seen = ok
		case "mnt_id":
			v, ok = number(value, 10)
			f.MntID = int(v)
		case "ino":
			f.Ino, ok = number(value, 10)
		default:
			if seen {
				return nil
			}
		}
		if !ok {
			return fmt.Errorf("parse fdinfo: line %q: %w", clip(line), errFormat)
		}
	}
	if !seen {
		return fmt.Errorf("parse fdinfo: no flags line: %w", errFormat)
	}
	return nil
}
