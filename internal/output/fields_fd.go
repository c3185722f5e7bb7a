package output

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// ofFD makes a field of the event's descriptor.
func ofFD(name, help string, get func(*state.FD, []byte) ([]byte, bool)) Field {
	return text(name, help, func(r *renderer, dst []byte) ([]byte, bool) {
		f := r.st.FD()
		if f == nil {
			return dst, false
		}
		return get(f, dst)
	})
}

// end says which end of a connection a field shows.
type end func(*state.FD) netip.AddrPort

func client(f *state.FD) netip.AddrPort {
	if f.IsListener() {
		return netip.AddrPort{}
	}
	return f.Src
}

func server(f *state.FD) netip.AddrPort {
	if f.IsListener() {
		return f.Src
	}
	return f.Dst
}

func local(f *state.FD) netip.AddrPort {
	if f.Role == state.Server {
		return server(f)
	}
	return client(f)
}

func remote(f *state.FD) netip.AddrPort {
	if f.Role == state.Server {
		return client(f)
	}
	return server(f)
}

func ip(name, help string, e end) Field {
	return ofFD(name, help, func(f *state.FD, dst []byte) ([]byte, bool) {
		a := e(f)
		if !f.IsInet() || !a.Addr().IsValid() {
			return dst, false
		}
		return a.Addr().AppendTo(dst), true
	})
}

func port(name, help string, e end) Field {
	f := ofFD(name, help, func(f *state.FD, dst []byte) ([]byte, bool) {
		a := e(f)
		if !f.IsInet() || !a.Addr().IsValid() {
			return dst, false
		}
		return strconv.AppendUint(dst, uint64(a.Port()), 10), true
	})
	f.Type = "integer"
	return f
}

var l4Names = [...]string{
	snapshot.L4Unknown: "<NA>", snapshot.L4NA: "<NA>", snapshot.L4TCP: "tcp", snapshot.L4UDP: "udp",
	snapshot.L4ICMP: "icmp", snapshot.L4RAW: "raw",
}

// appendAsked appends the path that a failed open asked for.
func (r *renderer) appendAsked(dst []byte) ([]byte, bool) {
	row := r.ev.Type().Row()
	if row == nil || row.Enter() || row.Flags&spec.CreatesFD == 0 {
		return dst, false
	}
	for i := range row.Params {
		if t := row.Params[i].Type; t == spec.Path || t == spec.RelPath {
			path, ok := r.st.AppendPath(nil, i)
			return appendClean(dst, string(path)), ok
		}
	}
	return dst, false
}

var fdFields = []Field{
	number("fd.num", "number of the descriptor", func(r *renderer) (int64, bool) {
		n := r.st.FDNum()
		return n, n >= 0
	}),
	ofFD("fd.type", "type of the descriptor, such as file, directory, ipv4 or pipe",
		func(f *state.FD, dst []byte) ([]byte, bool) { return append(dst, f.TypeName()...), true }),
	ofFD("fd.typechar", "type of the descriptor as one letter",
		func(f *state.FD, dst []byte) ([]byte, bool) { return append(dst, f.TypeChar()), true }),
	text("fd.name", "path of a file, ends of a connection; of an open that failed, what it asked for",
		func(r *renderer, dst []byte) ([]byte, bool) {
			if f := r.st.FD(); f != nil {
				return appendClean(dst, f.Name), true
			}
			return r.appendAsked(dst)
		}),
	ofFD("fd.directory", "directory of a file",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			i := strings.LastIndexByte(f.Name, '/')
			switch {
			case !f.IsFile() || i < 0:
				return dst, false
			case f.Type == snapshot.FDDir:
				return appendClean(dst, f.Name), true
			case i == 0:
				return append(dst, '/'), true
			}
			return appendClean(dst, f.Name[:i]), true
		}),
	ofFD("fd.filename", "name of a file without the directory",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			if !f.IsFile() || f.Type == snapshot.FDDir {
				return dst, false
			}
			return appendClean(dst, f.Name[strings.LastIndexByte(f.Name, '/')+1:]), true
		}),
	ip("fd.cip", "address of the client", client), ip("fd.sip", "address of the server", server),
	ip("fd.lip", "local address", local), ip("fd.rip", "remote address", remote),
	port("fd.cport", "port of the client", client), port("fd.sport", "port of the server", server),
	port("fd.lport", "local port", local), port("fd.rport", "remote port", remote),
	// Where the ends are not those of client and server but as the tuple has them.
	ip("fd.dip", "address of the server, under another name", server),
	port("fd.dport", "port of the server, under another name", server),
	ofFD("fd.l4proto", "tcp, udp, icmp or raw",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			p := f.L4Proto()
			return append(dst, l4Names[min(int(p), len(l4Names)-1)]...), p > snapshot.L4NA
		}),
	ofFD("fd.sockfamily", "ip or unix",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			switch {
			case f.IsInet():
				return append(dst, "ip"...), true
			case f.Type == snapshot.FDUnixSock:
				return append(dst, "unix"...), true
			}
			return dst, false
		}),
	isServer,
	ofFD("fd.dev", "device number of the file",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			return strconv.AppendUint(dst, uint64(f.Dev), 10), f.IsFile()
		}),
	ofFD("fd.ino", "inode number of the file",
		func(f *state.FD, dst []byte) ([]byte, bool) { return strconv.AppendUint(dst, f.Ino, 10), true }),
}

// fdCategory says what reading or writing a descriptor is about.
func fdCategory(f *state.FD) string {
	switch {
	case f == nil:
	case f.IsFile():
		return "file"
	case f.IsInet():
		return "net"
	default:
		switch f.Type {
		case snapshot.FDFifo, snapshot.FDUnixSock, snapshot.FDEvent, snapshot.FDSignal, snapshot.FDInotify,
			snapshot.FDUserfault:
			return "ipc"
		}
	}
	return "unknown"
}

var isServer = func() Field {
	f := ofFD("fd.is_server", "whether the process is the server of the connection",
		func(f *state.FD, dst []byte) ([]byte, bool) {
			return strconv.AppendBool(dst, f.Role == state.Server), true
		})
	f.Type = "bool"
	return f
}()
