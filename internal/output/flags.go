package output

import "github.com/lannerhq/lanner/kernel/event/spec"

// appendFlags appends the names of the bits of v, in the table's order. A flag
// of several bits counts if all are set, and takes them away from later ones.
func appendFlags(dst []byte, v uint64, t *spec.FlagTable) []byte {
	if t == nil {
		return dst
	}
	start, all := len(dst), v
	for i := range t.Values {
		f := &t.Values[i]
		if f.Value != all && (f.Value == 0 || v == 0 || v&f.Value != f.Value) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '|')
		}
		dst = append(dst, f.Name...)
		if f.Value == all {
			break
		}
		v &^= f.Value
	}
	return dst
}

// enumName returns the name of a value of an enumeration.
func enumName(v uint64, t *spec.FlagTable) string {
	if t != nil {
		for i := range t.Values {
			if t.Values[i].Value == v {
				return t.Values[i].Name
			}
		}
	}
	return ""
}

// appendSignals appends the names of a set of signals.
func appendSignals(dst []byte, set uint32) []byte {
	first := true
	for sig := int64(1); sig <= 32; sig++ {
		name := signalName(sig)
		if set&(1<<(sig-1)) == 0 || name == "" {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		dst, first = append(dst, name...), false
	}
	return dst
}
