package output

import (
	"strconv"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// appendInt appends a number in a print format.
func appendInt(dst []byte, v int64, typ spec.Type, format spec.Format) []byte {
	switch format {
	case spec.Oct, spec.Hex:
		u := uint64(v)
		if size := typ.Size(); size < 8 {
			u &= 1<<(8*size) - 1
		}
		if format == spec.Hex {
			return appendHex(dst, u)
		}
		if u != 0 {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, u, 8)
	case spec.PaddedDec:
		start := len(dst)
		dst = strconv.AppendInt(dst, v, 10)
		for len(dst)-start < 9 {
			dst = append(dst, 0)
			copy(dst[start+1:], dst[start:])
			dst[start] = '0'
		}
		return dst
	}
	if typ.Size() == 4 { // unsigned 32 and 64 bits are shown as signed
		v = int64(int32(v))
	}
	return strconv.AppendInt(dst, v, 10)
}

// appendHex appends upper-case digits.
func appendHex(dst []byte, u uint64) []byte {
	start := len(dst)
	dst = strconv.AppendUint(dst, u, 16)
	for i := start; i < len(dst); i++ {
		if c := dst[i]; c >= 'a' {
			dst[i] = c - 'a' + 'A'
		}
	}
	return dst
}
