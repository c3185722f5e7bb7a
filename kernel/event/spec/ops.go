package spec

// An OpRow says how an op is called in the C of the kernel drivers and in the
// documentation.
type OpRow struct {
	Name string // C function
	// Args says what Args of a From hold: 'a' an argument index, 'n' a number.
	Args string
	// Kind says who lays out the value.
	Kind OpKind
	// Words tell users where the value comes from; $0 to $2 stand for Args.
	Words string
}

// An OpKind tells ops by what they need of a driver.
type OpKind uint8

// The kinds.
const (
	Yields OpKind = iota // returns an integer, which the parameter's type lays out
	Pure                 // the same, of nothing but its arguments: no driver code
	Puts                 // lays out the value itself
)

// Ops has a row for each op.
var Ops = [NumOps]OpRow{
	Result:         {"result", "", Yields, "result of the call: value, or -errno"},
	Arg:            {"arg", "a", Yields, "$0"},
	ArgS32:         {"arg_s32", "a", Pure, "$0, low 32 bits sign-extended"},
	Number:         {"number", "n", Pure, "always $0"},
	SC:             {"sc", "", Yields, "code of the call"},
	NativeNumber:   {"native_number", "", Yields, "number of the call in the machine's 64-bit table"},
	HiLo:           {"hi_lo", "aa", Pure, "$0 as the high, $1 as the low 32 bits"},
	DirFDRaw:       {"dir_fd_raw", "a", Pure, "$0 with all 64 bits, but for AT_FDCWD"},
	StringAt:       {"string_at", "a", Puts, "string at $0"},
	StringAtOK:     {"string_at_ok", "a", Puts, "string at $0, empty if the call failed"},
	Convert:        {"convert", "a", Pure, "$0, translated"},
	OpenMode:       {"open_mode", "aa", Pure, "permission bits of $1 if the open flags in $0 use them, else 0"},
	OpenedFlags:    {"opened_flags", "a", Yields, "open flags in $0, translated, and what the opened file adds: created, overlay layer"},
	CreatFlags:     {"creat_flags", "", Yields, "overlay layer of the created file"},
	MountFlags:     {"mount_flags", "a", Pure, "$0 without the historic magic number"},
	EncodeDev:      {"encode_dev", "a", Pure, "$0, taken for a kernel device number and encoded"},
	Dev:            {"dev", "", Yields, "device of the file behind the result, 0 if the call failed"},
	Ino:            {"ino", "", Yields, "inode number of the file behind the result, 0 if the call failed"},
	FDPath:         {"fd_path", "", Puts, "absolute path of the file behind the result, empty if the call failed"},
	DataIn:         {"data_in", "a", Puts, "buffer at $0 after the call, as many bytes as the result, at most snaplen"},
	DataOut:        {"data_out", "aa", Puts, "buffer at $0, as many bytes as the result if positive, else $1; at most snaplen"},
	RawData:        {"raw_data", "aa", Puts, "buffer at $0 of $1 bytes, whatever snaplen is"},
	IovIn:          {"iov_in", "aa", Puts, "buffers of the iovec array at $0, of $1 entries, after the call; at most as many bytes as the result and snaplen"},
	IovOut:         {"iov_out", "aa", Puts, "buffers of the iovec array at $0, of $1 entries; at most snaplen"},
	IovSize:        {"iov_size", "aa", Yields, "sum of the lengths in the iovec array at $0, of $1 entries"},
	IovSizeIn:      {"iov_size_in", "aa", Yields, "sum of the lengths in the iovec array at $0, of $1 entries, at most the result"},
	TimespecAt:     {"timespec_at", "a", Yields, "struct timespec at $0, in ns"},
	U32At:          {"u32_at", "a", Yields, "32 bits at $0"},
	U64At:          {"u64_at", "a", Yields, "64 bits at $0"},
	FDAt:           {"fd_at", "an", Yields, "entry $1 of the int array at $0, -1 if unreadable"},
	InoAt:          {"ino_at", "an", Yields, "inode number of the file behind entry $1 of the int array at $0, 0 if the call failed"},
	SockAddrAt:     {"sock_addr_at", "aa", Puts, "socket address at $0 of $1 bytes"},
	TupleOut:       {"tuple_out", "aaa", Puts, "ends of the socket $0, local end first; the address at $1 of $2 bytes if it has no remote end; empty if the call failed"},
	TupleIn:        {"tuple_in", "aaa", Puts, "ends of the socket $0, remote end first; the address at $1, whose length is at $2, if it has no remote end; empty if the call failed"},
	VMSize:         {"vm_size", "", Yields, "size of the address space in KiB"},
	VMRSS:          {"vm_rss", "", Yields, "resident memory in KiB"},
	VMSwap:         {"vm_swap", "", Yields, "swapped memory in KiB"},
	CapInheritable: {"cap_inheritable", "", Yields, "inheritable capabilities of the thread after the call"},
	CapPermitted:   {"cap_permitted", "", Yields, "permitted capabilities of the thread after the call"},
	CapEffective:   {"cap_effective", "", Yields, "effective capabilities of the thread after the call"},
}

// String returns the op's name.
func (o Op) String() string {
	if o < NumOps {
		return Ops[o].Name
	}
	return "unknown"
}
