package state

import (
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// unknownDir stands for the name of a directory descriptor that is not known.
const unknownDir = "<UNKNOWN>"

// appendJoin appends path as seen from directory base, which ends with a slash
// if it is not empty: without empty, '.' and '..' components and without a final
// slash. An absolute path does not need base. It is a matter of text; symbolic
// links are not followed.
func appendJoin(dst []byte, base string, path []byte) []byte {
	start := len(dst)
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, base...)
	} else {
		dst = append(dst, '/')
	}
	for i := 0; i < len(path); {
		for i < len(path) && path[i] == '/' {
			i++
		}
		j := i
		for j < len(path) && path[j] != '/' {
			j++
		}
		switch name := path[i:j]; {
		case len(name) == 0 || string(name) == ".":
		case string(name) == "..":
			dst = parent(dst, start)
		default:
			dst = append(dst, name...)
			if j < len(path) {
				dst = append(dst, '/')
			}
		}
		i = j
	}
	if n := len(dst); n > start+1 && dst[n-1] == '/' {
		dst = dst[:n-1]
	}
	return dst
}

// parent takes the last component off dst[start:], which ends with a slash or is
// empty.
func parent(dst []byte, start int) []byte {
	n := len(dst)
	if n <= start+1 {
		return dst
	}
	n--
	for n > start && dst[n-1] != '/' {
		n--
	}
	return dst[:n]
}

// dirOf returns the directory that a path relative to dirfd starts from.
func (t *Thread) dirOf(dirfd int64, unknown string) string {
	if dirfd == event.AtFDCWD {
		return t.fs.cwd
	}
	if f := t.FD(dirfd); f != nil && f.Name != "" {
		return dir(f.Name)
	}
	return unknown
}

// AppendPath appends the absolute form of parameter i of the event just applied,
// a path, and reports whether there is one.
func (s *State) AppendPath(dst []byte, i int) ([]byte, bool) {
	b := s.ev.Param(i)
	if s.thread == nil || len(b) == 0 || s.row == nil || i >= len(s.row.Params) {
		return dst, false
	}
	if b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	if string(b) == NA {
		return dst, false
	}
	base := s.thread.fs.cwd
	if p := &s.row.Params[i]; p.Type == spec.RelPath && p.RelTo > 0 {
		base = ""
		if num, ok := s.ev.Int(int(p.RelTo) - 1); ok {
			base = s.thread.dirOf(num, "")
		}
	}
	return appendJoin(dst, base, b), true
}

// join returns path as seen from base.
func join(base string, path []byte) string {
	var buf [256]byte
	return string(appendJoin(buf[:0], base, path))
}
