// Package capture reads and writes .scap files, the capture files of libscap
// (sysdig, Falco).
//
// In a nutshell: a file is a row of blocks: a section header, what readers must
// know before the first event (a snapshot.State), then one block for each
// event. NewWriter writes all up to the events at once, WriteEvent appends, and
// Section starts anew with another snapshot; Files does so in files that each are
// whole; a Reader is an event.Source. Each block has its length in front and behind:
//
//	offset  size
//	0       4      type
//	4       4      total length, header and trailer included
//	8       n      body
//	8+n     0..3   zeros, to a multiple of 4
//	...     4      total length again
//
// Bodies are packed and in the byte order of the writer, which is little endian
// on all machines that the contract covers. The facts are those of libscap:
// userspace/libscap/scap_savefile_api.h, scap_savefile.c and
// engine/savefile/scap_savefile.c.
//
// Neither a Reader nor a Writer is safe for use by several goroutines.
package capture

import "encoding/binary"

var order = binary.LittleEndian

// blockType tells blocks apart.
type blockType uint32

// The types of blocks. Those named old are of files from before the types were
// settled.
const (
	sectionHeader blockType = 0x0A0D0D0A

	machineInfo    blockType = 0x201
	oldMachineInfo blockType = 0x8002ABCD

	processV1    blockType = 0x202
	oldProcessV1 blockType = 0x8000ABCD
	processV2    blockType = 0x207
	oldProcessV2 blockType = 0x8013ABCD
	processV3    blockType = 0x209
	oldProcessV3 blockType = 0x8014ABCD
	processV4    blockType = 0x210
	processV8    blockType = 0x214
	processV9    blockType = 0x215

	fdListV1    blockType = 0x203
	oldFDListV1 blockType = 0x8001ABCD
	fdListV2    blockType = 0x218

	interfacesV1    blockType = 0x205
	oldInterfacesV1 blockType = 0x8011ABCD
	interfacesV2    blockType = 0x219

	usersV1    blockType = 0x206
	oldUsersV1 blockType = 0x8012ABCD
	usersV2    blockType = 0x220

	eventV1         blockType = 0x204
	oldEventV1      blockType = 0x8010ABCD
	eventFlagsV1    blockType = 0x208
	eventV2         blockType = 0x216
	eventFlagsV2    blockType = 0x217
	eventV2Large    blockType = 0x221
	eventFlagsLarge blockType = 0x222

	// identity is our own: who writes a stream. Readers pass over blocks that they
	// do not know in front of the events; numbers with the highest bit are free for
	// local use in pcapng, after which this format is made.
	identity blockType = 0x8C414E31
)

// The section header's body.
const (
	byteOrderMagic = 0x1A2B3C4D
	majorVersion   = 1
	minorVersion   = 2
	unknownLength  = ^uint64(0) // of a section
	sectionBody    = 16         // bytes
)

// machineBody is the size of a machine info body; the host name in it has
// hostnameSize bytes, filled up with zeros.
const (
	machineBody  = 180
	hostnameSize = 128
)

// The kinds of entries of interface and user lists.
const (
	ifaceIPv4        = 1
	ifaceIPv6        = 2
	ifaceIPv4NoSpeed = 3
	ifaceIPv6NoSpeed = 4

	entryUser  = 0
	entryGroup = 1
)

// frame is what a block has around its body, padding aside: bytes.
const frame = 12

// smallEvent is the largest length of an event block that readers take whose
// type is not one of the large ones, less the block's type and length (libscap's
// READER_BUF_SIZE).
const smallEvent = 1 << 16
