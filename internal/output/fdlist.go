package output

import (
	"encoding/binary"
	"strconv"
)

// fdList appends the descriptors of poll, number:type and events.
func (r *renderer) fdList(dst, b []byte) []byte {
	if r.thread == nil {
		return dst
	}
	for i := range fdCount(b) {
		num, events := fdEntry(b, i)
		if i > 0 {
			dst = append(dst, ' ')
		}
		char := byte('?')
		if f := r.thread.FD(num); f != nil {
			char = f.TypeChar()
		}
		dst = append(strconv.AppendUint(dst, uint64(num), 10), ':', char)
		dst = strconv.AppendUint(dst, uint64(uint32(events)), 16)
	}
	return dst
}

// fdCount returns how many entries of a list are there.
func fdCount(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	return min(int(binary.LittleEndian.Uint16(b)), (len(b)-2)/10)
}

func fdEntry(b []byte, i int) (fd int64, events int16) {
	b = b[2+10*i:]
	return int64(binary.LittleEndian.Uint64(b)), int16(binary.LittleEndian.Uint16(b[8:]))
}
