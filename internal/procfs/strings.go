package procfs

import "bytes"

// CutString returns the first of the NUL-terminated strings in the text of a
// cmdline or environ file, without its NUL, and the bytes of the others.
func CutString(b []byte) (first, rest []byte) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// SplitStrings returns all strings of a cmdline or environ file. It allocates.
// A process may overwrite that memory (setproctitle), so the last string may
// lack its NUL, and padding NULs at the end are dropped.
func SplitStrings(b []byte) []string {
	// One NUL ends the last string; an empty last argument is kept ("a\0\0"
	// is "a" and ""), longer runs are padding.
	if trimmed := bytes.TrimRight(b, "\x00"); len(b)-len(trimmed) > 2 {
		b = trimmed
	}
	if len(b) == 0 {
		return nil
	}
	out := make([]string, 0, bytes.Count(b, []byte{0})+1)
	for len(b) > 0 {
		var s []byte
		s, b = CutString(b)
		out = append(out, string(s))
	}
	return out
}
