package spec

import (
	"fmt"
	"strings"
)

// typeNames are the types as people read them in docs and goldens.
var typeNames = [NumTypes]string{
	NoType: "none",
	Int8:   "int8", Int16: "int16", Int32: "int32", Int64: "int64",
	Uint8: "uint8", Uint16: "uint16", Uint32: "uint32", Uint64: "uint64",
	String: "string", Bytes: "bytes", Errno: "errno", SockAddr: "sockaddr", SockTuple: "tuple",
	FD: "fd", PID: "pid", FDList: "fdlist", Path: "path", SyscallID: "syscall", Signal: "signal",
	RelTime: "reltime", AbsTime: "abstime", Port: "port", L4Proto: "l4proto", SockFamily: "family",
	Bool: "bool", IPv4: "ipv4", Dyn: "dyn", Flags8: "flags8", Flags16: "flags16", Flags32: "flags32",
	UID: "uid", GID: "gid", Double: "double", SigSet: "sigset", StringArray: "strings",
	StringPairs: "string pairs", IPv4Net: "ipv4net", IPv6: "ipv6", IPv6Net: "ipv6net", IPAddr: "ipaddr",
	IPNet: "ipnet", Mode: "mode", RelPath: "relpath", Enum8: "enum8", Enum16: "enum16", Enum32: "enum32",
	FD32: "fd32", PID32: "pid32",
}

// String returns the name of the type.
func (t Type) String() string {
	if t < NumTypes {
		return typeNames[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// String returns the name of the format.
func (f Format) String() string {
	names := [...]string{NA: "-", Dec: "dec", Hex: "hex", PaddedDec: "padded", ID: "id", Dir: "dir", Oct: "oct"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("format(%d)", uint8(f))
}

// String returns the names of the editions in the set.
func (p Profile) String() string {
	switch p {
	case None:
		return "none"
	case V036:
		return "0.36"
	case Current:
		return "current"
	}
	return "0.36, current"
}

// String returns the names of the flags that are set.
func (f Flags) String() string {
	names := [...]string{
		"creates fd", "destroys fd", "uses fd", "reads from fd", "writes to fd", "modifies state", "unused",
		"waits", "skips parser reset", "old version", "", "large payload", "converter managed",
	}
	var set []string
	for i, name := range names {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}

// Words says where the value comes from, with call arguments counted from 0.
func (f From) Words() string {
	row := &Ops[f.Op]
	w := row.Words
	for i := range row.Args {
		value := fmt.Sprint(f.Args[i])
		if row.Args[i] == 'a' {
			value = "argument " + value
		}
		if f.Args[i] == NoArg {
			value = "none"
		}
		w = strings.ReplaceAll(w, fmt.Sprintf("$%d", i), value)
	}
	if f.Conv != "" {
		w += " (" + f.Conv + ")"
	}
	return w
}
