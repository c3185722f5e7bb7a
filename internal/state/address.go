package state

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// setTuple takes over both ends, as the event has them.
func (f *FD) setTuple(t tuple) {
	if t.family == afUnix {
		f.Type, f.SrcPtr, f.DstPtr = snapshot.FDUnixSock, t.srcPtr, t.dstPtr
		return
	}
	f.Src, f.Dst = t.src, t.dst
	f.Type = inetType(t.src)
	unmapTuple(f)
}

// unmapTuple makes IPv4 of a tuple of mapped addresses.
func unmapTuple(f *FD) {
	f.Src, f.Dst = unmap2(f.Src, f.Dst)
	if f.isTuple() {
		f.Type = inetType(f.Src)
	}
}

func inetType(a netip.AddrPort) snapshot.FDType {
	if a.Addr().Is4() {
		return snapshot.FDIPv4Sock
	}
	return snapshot.FDIPv6Sock
}

// unmap2 turns a pair of IPv4-mapped addresses, or of mapped and unset ones,
// into IPv4.
func unmap2(a, b netip.AddrPort) (netip.AddrPort, netip.AddrPort) {
	ua, ub := unmap(a), unmap(b)
	if ua.Addr().Is4() && ub.Addr().Is4() {
		return ua, ub
	}
	return a, b
}

// unmap turns an IPv4-mapped or unset IPv6 address into IPv4.
func unmap(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr()
	if ip.Is4In6() {
		return netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	if ip.Is6() && ip.IsUnspecified() {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
	}
	return a
}

// tupleName is the name of a connected IP socket.
func (f *FD) tupleName() string {
	var buf [128]byte
	switch f.Proto {
	case snapshot.L4TCP, snapshot.L4UDP:
		b := appendAddrPort(buf[:0], f.Src)
		return string(appendAddrPort(append(b, "->"...), f.Dst))
	case snapshot.L4ICMP, snapshot.L4RAW:
		b := f.Src.Addr().AppendTo(buf[:0])
		return string(f.Dst.Addr().AppendTo(append(b, "->"...)))
	}
	return "<unknown>"
}

// appendAddrPort appends address:port without brackets.
func appendAddrPort(dst []byte, a netip.AddrPort) []byte {
	dst = a.Addr().AppendTo(dst)
	return strconv.AppendUint(append(dst, ':'), uint64(a.Port()), 10)
}

// sockAddr is a parsed value of type SockAddr.
type sockAddr struct {
	family byte
	addr   netip.AddrPort
	path   string
}

func (a *sockAddr) name() string {
	if a.family == afUnix {
		return a.path
	}
	return string(appendAddrPort(nil, a.addr))
}

func parseAddr(b []byte) (a sockAddr, ok bool) {
	if len(b) == 0 {
		return a, false
	}
	a.family = b[0]
	switch {
	case a.family == afUnix:
		a.path = cstring(b[1:])
	case a.family == afInet && len(b) == 7:
		a.addr = parsePort(b[1:7], 4)
	case a.family == afInet6 && len(b) == 19:
		a.addr = parsePort(b[1:19], 16)
	default:
		return a, false
	}
	return a, true
}

// tuple is a parsed value of type SockTuple.
type tuple struct {
	family         byte
	src, dst       netip.AddrPort
	srcPtr, dstPtr uint64
	path           string
}

// unixName is how a tuple of Unix sockets names a descriptor.
func (t *tuple) unixName() string {
	b := strconv.AppendUint(nil, t.srcPtr, 16)
	b = strconv.AppendUint(append(b, "->"...), t.dstPtr, 16)
	return string(append(append(b, ' '), t.path...))
}

func parseTuple(b []byte) (t tuple, ok bool) {
	if len(b) == 0 {
		return t, false
	}
	t.family = b[0]
	switch {
	case t.family == afUnix && len(b) > 17:
		t.srcPtr = binary.LittleEndian.Uint64(b[1:])
		t.dstPtr = binary.LittleEndian.Uint64(b[9:])
		t.path = cstring(b[17:])
	case t.family == afInet && len(b) == 13:
		t.src, t.dst = parsePort(b[1:7], 4), parsePort(b[7:13], 4)
	case t.family == afInet6 && len(b) == 37:
		t.src, t.dst = parsePort(b[1:19], 16), parsePort(b[19:37], 16)
	default:
		return t, false
	}
	return t, true
}

// parsePort takes an address of n bytes and a port.
func parsePort(b []byte, n int) netip.AddrPort {
	a, _ := netip.AddrFromSlice(b[:n])
	return netip.AddrPortFrom(a, binary.LittleEndian.Uint16(b[n:]))
}

func cstring(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
