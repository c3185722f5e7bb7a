// Package snapshot holds what readers of events must know before the first
// event: the machine, its users and interfaces, and the processes and
// descriptors that exist.
//
// In a nutshell: procfs fills these types from /proc, capture writes them into
// the head of a file and reads them back, state starts from them. The fields
// are those of the capture file's blocks (process list V9, fd list V2,
// interface list V2, user list V2). Texts are raw bytes as the kernel has them,
// not always UTF-8.
package snapshot

// State is all that precedes the events.
type State struct {
	Machine    Machine
	Interfaces []Interface
	Users      []User
	Groups     []Group
	Threads    []Thread

	// InitialIDs reports that ids are those of the initial PID namespace, though the
	// tracer runs in another one.
	InitialIDs bool
}

// Machine describes the traced machine.
type Machine struct {
	CPUs     uint32 // online
	Memory   uint64 // bytes
	MaxPID   uint64
	Hostname string
	BootTime uint64 // ns since the epoch
	Flags    uint64
}

// An Interface is one address of a network interface.
type Interface struct {
	Name      string
	Addr      []byte // 4 or 16 bytes, network order
	Mask      []byte // as long as Addr
	Broadcast []byte // as long as Addr
	LinkSpeed uint64
}

// A User is one entry of the user database.
type User struct {
	UID, GID          uint32
	Name, Home, Shell string
}

// A Group is one entry of the group database.
type Group struct {
	GID  uint32
	Name string
}

// A Thread is one thread; the descriptors are those of its process and are
// listed with the thread whose TID is its PID.
type Thread struct {
	TID, PID, PTID   int64 // PTID: the parent's PID
	SID, VPGID, PGID int64 // -1 if unknown
	VTID, VPID       int64 // ids in the thread's own PID namespace; -1 if unknown

	Comm    string
	Exe     string   // argv[0]
	ExePath string   // resolved; empty if unknown
	Args    []string // argv[1:]
	Env     []string
	CWD     string // with a final slash, as libscap has it
	Root    string
	Cgroups []string // "subsystem=path"

	FDLimit                int64  // soft RLIMIT_NOFILE
	Flags                  uint32 // portable clone flags: CLONE_THREAD, CLONE_FILES
	UID, GID, LoginUID     uint32 // effective ids; all ones: none
	VMSize, VMRSS, VMSwap  uint32 // KiB
	MajFault, MinFault     uint64
	TTY                    uint32 // device, new_encode_dev
	PIDNSInitStart         uint64 // ns since the epoch; events have it since boot
	CapInh, CapPrm, CapEff uint64

	ExeWritable, ExeUpperLayer, ExeLowerLayer, ExeMemfd bool
	ExeIno                                              uint64
	ExeCTime, ExeMTime                                  uint64 // ns since the epoch

	FDs []FD
}

// FDType is the kind of a descriptor, with the numbers of the capture file
// (scap_fd_type).
type FDType uint8

// The kinds of descriptors.
const (
	FDUnknown     FDType = 0
	FDFile        FDType = 1 // old form, without open flags
	FDDir         FDType = 2
	FDIPv4Sock    FDType = 3
	FDIPv6Sock    FDType = 4
	FDIPv4Server  FDType = 5
	FDIPv6Server  FDType = 6
	FDFifo        FDType = 7
	FDUnixSock    FDType = 8
	FDEvent       FDType = 9
	FDUnsupported FDType = 10
	FDSignal      FDType = 11
	FDEventPoll   FDType = 12
	FDInotify     FDType = 13
	FDTimer       FDType = 14
	FDNetlink     FDType = 15
	FDFileV2      FDType = 16
	FDBPF         FDType = 17
	FDUserfault   FDType = 18
	FDIOUring     FDType = 19
	FDMemfd       FDType = 20
	FDPIDFD       FDType = 21
)

// L4Proto is a transport protocol (scap_l4_proto).
type L4Proto uint8

// The transport protocols.
const (
	L4Unknown L4Proto = iota
	L4NA
	L4TCP
	L4UDP
	L4ICMP
	L4RAW
)

// An FD is one open descriptor.
type FD struct {
	FD    int64
	Ino   uint64
	Type  FDType
	Name  string // path, link text, or bound path of a Unix socket
	Flags uint32 // portable open flags, for FDFileV2
	Dev   uint32 // new_encode_dev, for FDFileV2

	// Sockets: a server has only the source end.
	Proto            L4Proto
	SrcIP, DstIP     []byte // 4 or 16 bytes, network order
	SrcPort, DstPort uint16
	// Unix sockets: identities of the two ends, 0 if unknown.
	SrcPtr, DstPtr uint64
}
