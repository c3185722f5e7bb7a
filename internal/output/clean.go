package output

// bytesOrString is text of a traced program.
type bytesOrString interface{ ~string | ~[]byte }

// appendClean appends text in which every byte that is not printable ASCII has
// become a dot, so that a terminal does not act on it.
func appendClean[T bytesOrString](dst []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			dst = append(dst, '.')
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendStrings appends strings that each end with a NUL, dots between them.
func appendStrings(dst, b []byte) []byte {
	if b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return appendClean(dst, b)
}

// cstring returns b up to its first NUL.
func cstring(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
