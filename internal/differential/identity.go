package differential

import (
	"bytes"
	"encoding/binary"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// identities holds the names that two drivers give to the same things: a Unix
// socket is its address in the kernel to one and its inode number to the other.
// They agree if each name of one side always stands for the same name of the other.
type identities struct{ there, back map[uint64]uint64 }

func newIdentities() *identities {
	return &identities{make(map[uint64]uint64), make(map[uint64]uint64)}
}

// why returns why two values of a parameter may differ: if it is in such names only.
func (d *identities) why(p *spec.Param, a, b []byte) string {
	const renamed = "a tracer knows Unix sockets by inode number, the kernel by address"
	switch {
	case p.Type == spec.SockTuple && len(a) >= unixTuple && len(a) == len(b) && a[0] == familyUnix && b[0] == familyUnix:
		if !bytes.Equal(a[unixTuple:], b[unixTuple:]) || !d.pair(a[9:], b[9:]) {
			return ""
		}
		if d.pair(a[1:], b[1:]) {
			return renamed
		}
		if binary.LittleEndian.Uint64(a[1:]) == 0 {
			return "the other end of a Unix stream has no inode before it is accepted"
		}
	case (p.Name == "source" || p.Name == "peer") && len(a) == 8 && len(b) == 8 && d.pair(a, b):
		return renamed
	}
	return ""
}

const (
	familyUnix = 1       // PPM_AF_UNIX
	unixTuple  = 1 + 2*8 // family, two names; a path follows
)

// pair reports whether the names at the start of a and b stand for the same. A
// name that is new on one side may take over one that is known on the other: the
// kernel gives addresses of closed sockets to new ones.
func (d *identities) pair(a, b []byte) bool {
	x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
	if x == 0 || y == 0 {
		return x == y
	}
	wasY, knownX := d.there[x]
	wasX, knownY := d.back[y]
	if knownX && knownY {
		return wasY == y
	}
	if knownX {
		delete(d.back, wasY)
	}
	if knownY {
		delete(d.there, wasX)
	}
	d.there[x], d.back[y] = y, x
	return true
}
