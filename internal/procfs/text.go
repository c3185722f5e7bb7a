package procfs

// cutSpace removes blanks and tabs from the start of b.
func cutSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// cutField returns the text up to the next blank, tab or newline, and the rest.
func cutField(b []byte) (field, rest []byte) {
	b = cutSpace(b)
	for i, c := range b {
		if c == ' ' || c == '\t' || c == '\n' {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// lastField returns the last field of a line.
func lastField(line []byte) []byte {
	end := len(line)
	for end > 0 && (line[end-1] == ' ' || line[end-1] == '\t') {
		end--
	}
	start := end
	for start > 0 && line[start-1] != ' ' && line[start-1] != '\t' {
		start--
	}
	return line[start:end]
}

// cutLine returns the first line without its newline, and the rest.
func cutLine(b []byte) (line, rest []byte) {
	for i, c := range b {
		if c == '\n' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// number reads a whole field in base 8, 10 or 16. A minus sign gives the two's
// complement; overflow wraps, since files print signed and unsigned 64-bit
// values alike and the caller knows the width.
func number(field []byte, base uint64) (v uint64, ok bool) {
	neg := len(field) > 0 && field[0] == '-'
	if neg {
		field = field[1:]
	}
	for _, c := range field {
		var d uint64
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = uint64(c-'A') + 10
		default:
			return 0, false
		}
		if d >= base {
			return 0, false
		}
		v = v*base + d
	}
	if neg {
		v = -v
	}
	return v, len(field) > 0
}

// cutNumber reads the next field of b as a decimal number.
func cutNumber(b []byte) (v uint64, rest []byte, ok bool) {
	f, rest := cutField(b)
	v, ok = number(f, 10)
	return v, rest, ok
}
