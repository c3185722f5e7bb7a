package output

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// Portable address families.
const (
	afUnix  = 1
	afInet  = 2
	afInet6 = 10
)

// appendSockAddr appends an address, as the system prints it.
func appendSockAddr(dst, b []byte) []byte {
	switch {
	case b[0] == afUnix:
		return appendClean(dst, cstring(b[1:]))
	case b[0] == afInet && len(b) == 7:
		return appendPort(dst, b[1:7], 4)
	case b[0] == afInet6 && len(b) == 19:
		return appendPort(dst, b[1:19], 16)
	}
	return appendBadAddr(dst, b)
}

// appendTuple appends both ends of a connection.
func appendTuple(dst, b []byte) []byte {
	switch {
	case b[0] == afUnix && len(b) > 17:
		dst = strconv.AppendUint(dst, binary.LittleEndian.Uint64(b[1:]), 16)
		dst = strconv.AppendUint(append(dst, "->"...), binary.LittleEndian.Uint64(b[9:]), 16)
		return appendClean(append(dst, ' '), cstring(b[17:]))
	case b[0] == afInet && len(b) == 13:
		dst = appendPort(dst, b[1:7], 4)
		return appendPort(append(dst, "->"...), b[7:13], 4)
	case b[0] == afInet6 && len(b) == 37:
		if isMapped(b[1:17]) && isMapped(b[19:35]) {
			dst = appendPort(dst, b[13:19], 4)
			return appendPort(append(dst, "->"...), b[31:37], 4)
		}
		dst = appendPort(dst, b[1:19], 16)
		return appendPort(append(dst, "->"...), b[19:37], 16)
	}
	return appendBadAddr(dst, b)
}

func appendBadAddr(dst, b []byte) []byte {
	switch b[0] {
	case afInet:
		return append(dst, "INVALID IPv4"...)
	case afInet6:
		return append(dst, "INVALID IPv6"...)
	}
	return strconv.AppendUint(append(dst, "family "...), uint64(b[0]), 10)
}

// appendPort appends an address of n bytes and the port behind it.
func appendPort(dst, b []byte, n int) []byte {
	a, _ := netip.AddrFromSlice(b[:n])
	dst = append(a.AppendTo(dst), ':')
	return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(b[n:])), 10)
}

// isMapped reports whether an IPv6 address stands for an IPv4 one, or for none.
func isMapped(ip []byte) bool {
	a, ok := netip.AddrFromSlice(ip)
	return ok && (a.Is4In6() || a.IsUnspecified())
}
