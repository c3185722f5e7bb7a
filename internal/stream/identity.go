package stream

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Identity is what a tracer says of itself in the head of its stream: a JSON object.
type Identity struct {
	Tracer    string `json:"tracer"`              // random; the same for all connections of a tracer
	PID       int    `json:"pid"`                 // of the tracer, in its own PID namespace
	Boot      string `json:"boot,omitempty"`      // boot id of the kernel (random(4))
	PIDNS     uint64 `json:"pidns,omitempty"`     // inode of the PID namespace in whose ids its events are
	Init      uint64 `json:"init,omitempty"`      // when that namespace began: its inode is another's later; clock ticks since boot, 0 if unknown
	Container string `json:"container,omitempty"` // id of its container
	Profile   string `json:"profile"`             // edition of its events: "current" or "0.36"
}

// InitialPIDNS is the inode of the machine's first PID namespace (PROC_PID_INIT_INO,
// include/linux/proc_ns.h).
const InitialPIDNS = 0xEFFFFFFC

// Self returns the identity of this process as a tracer.
func Self(in spec.Profile, container string) Identity {
	id := Identity{Tracer: rand.Text(), PID: os.Getpid(), Container: container, Profile: profileName(in)}
	id.Boot, id.PIDNS = namespace()
	if text, err := os.ReadFile("/proc/1/stat"); err == nil && id.PIDNS != InitialPIDNS {
		var st procfs.Stat
		if procfs.ParseStat(text, &st) == nil {
			id.Init = st.StartTime
		}
	}
	return id
}

// SetInitial says that events have the ids of the machine's first PID namespace.
func (id *Identity) SetInitial() { id.PIDNS, id.Init = InitialPIDNS, 0 }

// namespace tells our PID namespace from all others that there are now on all machines.
func namespace() (boot string, pidns uint64) {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		boot = strings.TrimSpace(string(b))
	}
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) == nil {
		pidns = st.Ino
	}
	return boot, pidns
}

func profileName(in spec.Profile) string {
	if in == spec.V036 {
		return "0.36"
	}
	return "current"
}

// maxIdentityText bounds each text of an identity: bytes.
const maxIdentityText = 256

// parseIdentity reads what a peer says of itself. A capture without an identity, of
// another program, has an empty one.
func parseIdentity(b []byte) (id Identity, err error) {
	if len(b) == 0 {
		return id, nil
	}
	if end := len(strings.TrimRight(string(b), "\x00")); end < len(b) { // padding of the block
		b = b[:end]
	}
	if err := json.Unmarshal(b, &id); err != nil {
		return Identity{}, errors.New("its identity is damaged")
	}
	for _, s := range []string{id.Tracer, id.Boot, id.Container, id.Profile} {
		if len(s) > maxIdentityText {
			return Identity{}, errors.New("its identity is too long")
		}
	}
	return id, nil
}

func (id *Identity) marshal() []byte {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err) // no value of the struct can do that
	}
	return b
}
