package procfs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// Sockets are the sockets of one network namespace by inode number, in the form
// of descriptors whose number is not set.
type Sockets map[uint64]snapshot.FD

// maxSockets bounds the memory that one namespace can cost: a busy proxy has
// some hundred thousand.
const maxSockets = 1 << 20

// netFiles are the tables below /proc/PID/net. They lack sockets that are
// neither bound nor connected, and those of families that the contract does not
// represent.
var netFiles = [...]struct {
	name  string
	parse func(line []byte) (snapshot.FD, bool)
}{
	{"tcp", inet(snapshot.L4TCP)}, {"tcp6", inet(snapshot.L4TCP)},
	{"udp", inet(snapshot.L4UDP)}, {"udp6", inet(snapshot.L4UDP)},
	{"raw", inet(snapshot.L4RAW)}, {"raw6", inet(snapshot.L4RAW)},
	{"icmp", inet(snapshot.L4ICMP)}, {"icmp6", inet(snapshot.L4ICMP)},
	{"unix", ParseUnixSocket}, {"netlink", ParseNetlinkSocket},
}

// ReadSockets reads the tables in a directory such as /proc/PID/net, which are
// those of that process's network namespace. What cannot be read is left out.
func ReadSockets(dir string) Sockets {
	s := make(Sockets)
	for _, t := range netFiles {
		f, err := os.Open(filepath.Join(dir, t.name))
		if err != nil {
			continue
		}
		s.read(f, t.parse)
		_ = f.Close()
	}
	return s
}

func (s Sockets) read(r io.Reader, parse func([]byte) (snapshot.FD, bool)) {
	lines := bufio.NewScanner(r) // lines are far below its limit of 64 KiB
	lines.Scan()                 // the titles of the columns
	for lines.Scan() && len(s) < maxSockets {
		if fd, ok := parse(lines.Bytes()); ok && fd.Ino != 0 {
			s[fd.Ino] = fd
		}
	}
}

func inet(proto snapshot.L4Proto) func([]byte) (snapshot.FD, bool) {
	return func(line []byte) (snapshot.FD, bool) { return ParseInetSocket(line, proto) }
}

// ParseInetSocket takes a line of one of the tables of internet sockets
// (net/ipv4/tcp_ipv4.c:get_tcp4_sock and its likes). A socket without a remote
// address is a server, as libscap has it, which covers unconnected UDP too.
func ParseInetSocket(line []byte, proto snapshot.L4Proto) (fd snapshot.FD, ok bool) {
	_, rest := cutField(line) // "12:"
	local, rest := cutField(rest)
	remote, rest := cutField(rest)
	// state, queues, timer, retransmits, uid, timeout
	for range 6 {
		_, rest = cutField(rest)
	}
	ino, _, ok := cutNumber(rest)
	srcIP, srcPort, ok1 := endpoint(local)
	dstIP, dstPort, ok2 := endpoint(remote)
	if !ok || !ok1 || !ok2 || len(srcIP) != len(dstIP) {
		return fd, false
	}
	fd = snapshot.FD{Ino: ino, Proto: proto, SrcIP: srcIP, SrcPort: srcPort}
	v6 := len(srcIP) == 16
	if len(bytes.TrimLeft(dstIP, "\x00")) == 0 {
		fd.Type = snapshot.FDIPv4Server
		if v6 {
			fd.Type = snapshot.FDIPv6Server
		}
		return fd, true
	}
	fd.DstIP, fd.DstPort, fd.Type = dstIP, dstPort, snapshot.FDIPv4Sock
	if v6 {
		fd.Type = snapshot.FDIPv6Sock
	}
	return fd, true
}

// endpoint decodes "0100007F:1F90": the address as 32-bit words of the
// machine's byte order (little endian on those that the contract covers), the
// port as a number.
func endpoint(text []byte) (ip []byte, port uint16, ok bool) {
	colon := bytes.IndexByte(text, ':')
	if colon != 8 && colon != 32 {
		return nil, 0, false
	}
	words := make([]byte, colon/2)
	if _, err := hex.Decode(words, text[:colon]); err != nil {
		return nil, 0, false
	}
	for i := 0; i < len(words); i += 4 {
		w := words[i : i+4]
		binary.LittleEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	p, ok := number(text[colon+1:], 16)
	return words, uint16(p), ok && p <= 0xffff
}

// ParseUnixSocket takes a line of net/unix (net/unix/af_unix.c:unix_seq_show).
// The first column is the socket's identity, hashed by the kernel unless the
// reader may see addresses. A path may hold blanks; an abstract name starts
// with '@'.
func ParseUnixSocket(line []byte) (fd snapshot.FD, ok bool) {
	num, rest := cutField(line)
	for range 5 { // reference count, protocol, flags, type, state
		_, rest = cutField(rest)
	}
	ptr, ok1 := number(bytes.TrimSuffix(num, []byte(":")), 16)
	ino, rest, ok2 := cutNumber(rest)
	if !ok1 || !ok2 {
		return fd, false
	}
	fd = snapshot.FD{Ino: ino, Type: snapshot.FDUnixSock, SrcPtr: ptr}
	if len(rest) > 1 {
		fd.Name = string(rest[1:])
	}
	return fd, true
}

// ParseNetlinkSocket takes a line of net/netlink
// (net/netlink/af_netlink.c:netlink_seq_show).
func ParseNetlinkSocket(line []byte) (fd snapshot.FD, ok bool) {
	ino, ok := number(lastField(line), 10)
	return snapshot.FD{Ino: ino, Type: snapshot.FDNetlink}, ok
}
