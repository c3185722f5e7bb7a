// Package spec declares the event contract: one row per event, per system
// call, per flag table and per flag conversion.
//
// In a nutshell: a row of Events says what an event is called, which
// parameters it has and, for each parameter, the Op that yields its value. The
// ptrace driver walks the rows; the C of the kernel drivers, the Go constants
// and docs/events.md are generated from them (package gen). There is no other
// list of events, system calls or flags in this project.
//
// The package holds data only and imports nothing of this module. Rows are
// facts of the contract of Falco's kernel drivers (schema 4.5.1, with what
// schema 2.10.0 of Falco 0.36.2 had), checked by a test against
// testdata/contract.json. Numbers are never reused and parameters are only ever
// appended.
package spec

// A Profile is an edition of the contract that a driver can emit. Profiles
// combine to sets.
type Profile uint8

// The profiles. A row or parameter without one is only ever read.
const (
	V036    Profile = 1 << iota // schema 2.10.0: Falco 0.36.2, libs 0.13.4
	Current                     // schema 4.5.1
	Both    = V036 | Current
	None    = Profile(0) // known to readers of old captures only
)

// A Type says how a value is laid out on the wire. The numbers are the
// contract's (PT_*). Integers are in the byte order of the traced machine,
// without alignment; every value may be empty (length 0): "not available".
type Type uint8

// The wire types.
const (
	NoType      Type = iota
	Int8             // 1 byte
	Int16            // 2 bytes
	Int32            // 4 bytes
	Int64            // 8 bytes
	Uint8            // 1 byte
	Uint16           // 2 bytes
	Uint32           // 4 bytes
	Uint64           // 8 bytes
	String           // bytes and a NUL
	Bytes            // bytes
	Errno            // int64: result, or -errno
	SockAddr         // family u8, then as the family wants it
	SockTuple        // family u8, source, destination
	FD               // int64: descriptor, -errno, or AtFDCWD
	PID              // int64
	FDList           // count u16, then per entry: fd int64, events int16
	Path             // as String, relative to the thread's working directory
	SyscallID        // uint16: SC code, not the native number
	Signal           // uint8
	RelTime          // uint64: ns
	AbsTime          // uint64: ns since the epoch
	Port             // uint16, host order
	L4Proto          // uint8
	SockFamily       // uint8
	Bool             // uint32
	IPv4             // 4 bytes, network order
	Dyn              // u8 index into the parameter's dynamic table, then a value of that type
	Flags8           // uint8: bits
	Flags16          // uint16: bits
	Flags32          // uint32: bits
	UID              // uint32; all ones: none
	GID              // uint32; all ones: none
	Double           // IEEE 754
	SigSet           // uint32: bit n-1 is signal n
	StringArray      // strings, each with its NUL, back to back
	StringPairs      // historic
	IPv4Net          // filters only
	IPv6             // 16 bytes
	IPv6Net          // filters only
	IPAddr           // 4 or 16 bytes
	IPNet            // filters only
	Mode             // uint32: permission bits
	RelPath          // as String, relative to the descriptor in another parameter
	Enum8            // uint8: one value of a table
	Enum16           // uint16: one value of a table
	Enum32           // uint32: one value of a table
	FD32             // int32
	PID32            // int32
	NumTypes
)

// Size returns the bytes a non-empty value of the type takes, 0 for types of
// variable length.
func (t Type) Size() int {
	switch t {
	case Int8, Uint8, Signal, L4Proto, SockFamily, Flags8, Enum8:
		return 1
	case Int16, Uint16, SyscallID, Port, Flags16, Enum16:
		return 2
	case Int32, Uint32, Bool, IPv4, Flags32, UID, GID, SigSet, Mode, Enum32, FD32, PID32:
		return 4
	case Int64, Uint64, Errno, FD, PID, RelTime, AbsTime, Double:
		return 8
	case IPv6:
		return 16
	}
	return 0
}

// Signed reports whether values of the type are signed integers.
func (t Type) Signed() bool {
	switch t {
	case Int8, Int16, Int32, Int64, Errno, FD, PID, FD32, PID32:
		return true
	}
	return false
}

// A Format says how people are shown a value. The numbers are the contract's
// (PF_*).
type Format uint8

// The print formats.
const (
	NA        Format = iota // decimal for numbers, text for strings
	Dec                     // decimal
	Hex                     // hexadecimal, upper case, no prefix
	PaddedDec               // decimal, nine columns, filled with zeros
	ID                      // decimal
	Dir                     // > or <
	Oct                     // octal with a leading zero
)

// A Category says what an event is about (low byte, EC_*) and who makes it
// (the other bits).
type Category uint16

// The categories. Those from IOBase on share the bit 32 or stand alone.
const (
	Unknown    Category = 0
	Other      Category = 1
	File       Category = 2
	Net        Category = 3
	IPC        Category = 4
	Memory     Category = 5
	Process    Category = 6
	Sleep      Category = 7
	System     Category = 8
	SignalCat  Category = 9
	User       Category = 10
	Time       Category = 11
	Processing Category = 12
	IORead     Category = 32
	IOWrite    Category = 33
	IOOther    Category = 34
	Wait       Category = 64
	Scheduler  Category = 128

	Internal   Category = 256
	OfSyscall  Category = 512
	Tracepoint Category = 1024
	Plugin     Category = 2048
	Meta       Category = 4096
	Iter       Category = 8192

	CategoryMask Category = 255
)

// Flags are the properties of an event that readers act on (EF_*).
type Flags uint16

// The event flags.
const (
	CreatesFD        Flags = 1 << iota // the result is a new descriptor
	DestroysFD                         // the descriptor is gone
	UsesFD                             // one parameter is a descriptor
	ReadsFromFD                        //
	WritesToFD                         //
	ModifiesState                      // readers keep state from it
	Unused                             // never on the wire
	Waits                              // the thread may wait
	SkipParserReset                    //
	OldVersion                         // kept for old captures
	_                                  //
	LargePayload                       // lengths are 32 bits wide
	ConverterManaged                   // readers of captures convert older forms of it
)

// An Event is one row: one number of the contract.
type Event struct {
	Number   uint16 // on the wire; even numbers are enter events, odd ones exit events
	Ident    string // Go identifier, and in snake case the C one; empty for numbers never used
	Name     string // as shown to users
	Category Category
	Flags    Flags
	In       Profile // editions in which drivers emit it
	Params   []Param
	Filler   string // hand-written filler of each driver, instead of the parameters' ops
	Kernel   bool   // only kernel drivers can emit it
	Loss     Loss   // as what it counts when a driver loses it
}

// Enter reports whether the event tells of the start of a call. Events of
// tracepoints are enter events too.
func (e *Event) Enter() bool { return e.Number&1 == 0 }

// NumParams returns how many parameters the event has in an edition.
func (e *Event) NumParams(in Profile) int {
	for i := range e.Params {
		if e.Params[i].Since&in == 0 {
			return i
		}
	}
	return len(e.Params)
}

// A Param is one value of an event.
type Param struct {
	Name   string
	Type   Type
	Format Format
	From   From
	Table  string  // its values' names: a FlagTable
	Dyn    string  // for type Dyn: a DynTable
	RelTo  uint8   // for type RelPath: position, from 1, of the descriptor that it is relative to
	Since  Profile // editions that have it
}

// An Op is one way to obtain a value. Each driver implements each op once, and
// rows never name a driver.
//
// Arguments of the call are counted from 0; a value is cut to its type's width.
// Memory is read at exit for exit events and at entry for enter events, and
// what can't be read is empty (strings, bytes) or 0.
type Op uint8

// The ops. Args are argument indexes unless said otherwise.
const (
	NoOp           Op = iota
	Result            // the call's result: value, or -errno
	Arg               // argument
	ArgS32            // low half of the argument, sign-extended: descriptors, pids, ints
	Number            // Args[0] itself
	SC                // code of the call
	NativeNumber      // number of the call in the machine's 64-bit table
	HiLo              // Args[0] << 32 | Args[1]
	DirFDRaw          // argument as it is, but for AT_FDCWD
	StringAt          // NUL-terminated string
	StringAtOK        // the same if the call did not fail, else empty
	Convert           // Conv applied to the argument
	OpenMode          // mode argument Args[1] if the open flags Args[0] use it, else 0
	OpenedFlags       // open flags Args[0] and what the opened file adds to them
	CreatFlags        // overlay layer of the created file
	MountFlags        // mount flags without the historic magic number
	EncodeDev         // argument, taken for a kernel device number (major << 20 | minor), in the wire's layout (new_encode_dev)
	Dev               // device of the file behind the result, 0 if the call failed
	Ino               // inode number of the file behind the result, 0 if the call failed
	FDPath            // absolute path of the file behind the result, empty if the call failed
	DataIn            // buffer filled by the call: result bytes, at most snaplen
	DataOut           // buffer given to the call, of length Args[1], or result if positive; at most snaplen
	RawData           // buffer of length Args[1], snaplen does not apply
	IovIn             // buffers of an iovec array Args[0] of Args[1] entries, filled by the call
	IovOut            // buffers of an iovec array given to the call
	IovSize           // sum of the lengths of an iovec array
	IovSizeIn         // the same, at most the result
	TimespecAt        // struct timespec: ns
	U32At             // 32 bits at the argument
	U64At             // 64 bits at the argument (a long in compat calls)
	FDAt              // int Args[1] (an index) of the array at Args[0], -1 if unreadable
	InoAt             // inode number of the file behind FDAt, 0 if the call failed
	SockAddrAt        // user's socket address of length Args[1]
	TupleOut          // tuple of socket Args[0], local end first; user's address Args[1], length Args[2] (NoArg: none); empty if the call failed
	TupleIn           // tuple of socket Args[0], remote end first; user's address Args[1], length by value at Args[2]; empty if the call failed
	VMSize            // KiB
	VMRSS             // KiB
	VMSwap            // KiB
	CapInheritable    // capabilities of the thread after the call
	CapPermitted      //
	CapEffective      //
	NumOps
)

// NoArg stands for an argument that a call does not have.
const NoArg = 0xff

// From says where a value comes from.
type From struct {
	Op   Op
	Args [3]uint8 // see Op
	Conv string   // for Convert: the Conversion
}

// A FlagTable names the values of flags or of an enumeration. Order is that in
// which names are printed.
type FlagTable struct {
	Name   string
	Values []Flag
}

// A Flag is one named value, in the contract's portable encoding and in the
// kernel's. HasKernel is false for values that no argument can hold.
type Flag struct {
	Name      string
	Value     uint64 // on the wire
	Kernel    uint64 // x86_64, i386
	Arm64     uint64 // aarch64
	HasKernel bool
	OnlyX86   bool // Kernel exists on x86 alone
}

// A Conversion turns a kernel argument into the portable encoding. The bits in
// Mask hold one of the values Field (32 bits: an enumeration), Default where
// none fits; of the other flags, each of Bits that shares a bit with the
// argument is set. Unknown bits are lost.
type Conversion struct {
	Name        string
	Table       string
	Mask        uint64
	Field       []string // names in Table
	Also        []Alias  // further values of the field
	Default     uint64   // portable
	Bits        []string // names in Table
	NonNegative bool     // an argument below 0, taken for 32 bits, yields 0
}

// An Alias is a second kernel value for a name.
type Alias struct {
	Kernel uint64
	Name   string
}

// A DynTable lists the types that a Dyn value may have, by index.
type DynTable struct {
	Name    string
	Entries []DynEntry
}

// A DynEntry is one type of a DynTable.
type DynEntry struct {
	Ident  string
	Type   Type
	Format Format
}

// Drop says what sampling does with a system call.
type Drop uint8

// The sampling classes.
const (
	MayDrop    Drop = iota
	NeverDrop       // kept whatever the ratio
	AlwaysDrop      // discarded whenever sampling is on
)

// NoNumber marks a machine that lacks a call.
const NoNumber = -1

// A Syscall is one code of the contract (PPM_SC_*), the name users know, its
// native numbers and the event pair that it produces.
type Syscall struct {
	SC    uint16
	Name  string
	X86   int16  // x86_64 number
	Arm64 int16  // aarch64 number
	Event string // Ident of the pair without E or X; "Generic" for calls without events of their own
	Drop  Drop
	In    Profile // editions that know the code
}

// An I386Call maps a number of the 32-bit x86 table. Edition Current translates
// it to the 64-bit call To ("" where that edition discards it); V036 had the
// codes of the 32-bit table itself.
type I386Call struct {
	Number uint16
	Name   string
	To     string // name of a Syscall
	V036   string // name of a Syscall
}
