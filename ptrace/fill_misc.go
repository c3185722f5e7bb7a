package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// fillOpenat2E: dirfd, name, flags, mode, resolve.
func (c *call) fillOpenat2E() {
	c.b.PutS64(int64(int32(c.args[0])))
	c.putString(c.args[1])
	c.putHow(false)
}

// fillOpenat2X: fd, dirfd, name, flags, mode, resolve, dev, ino.
func (c *call) fillOpenat2X() {
	c.b.PutS64(c.ret)
	c.b.PutS64(int64(int32(c.args[0])))
	c.putString(c.args[1])
	c.putHow(true)
	if c.in == spec.Current {
		st := c.opened(c.ret)
		c.b.PutU32(c.deviceOf(st))
		c.b.PutU64(st.Ino)
	}
}

// putHow writes flags, mode and resolve of a struct open_how; zeros if it can't
// be read.
func (c *call) putHow(opened bool) {
	var b [24]byte
	if c.mem.read(c.args[2], b[:]) != len(b) {
		c.b.PutU32(0)
		c.b.PutU32(0)
		c.b.PutU32(0)
		return
	}
	flags, mode, resolve := le.Uint64(b[:]), le.Uint64(b[8:]), le.Uint64(b[16:])
	if opened {
		c.b.PutU32(uint32(c.openedFlags(flags)))
	} else {
		c.b.PutU32(uint32(c.convOpen.Convert(flags)))
	}
	c.b.PutU32(uint32(openMode(flags, mode)))
	c.b.PutU32(uint32(c.convResolve.Convert(resolve)))
}

// pollLimit is the most entries of a poll set that an event holds: the kernel
// module's, 8n + 2 + 10n <= 4096.
const pollLimit = 227

// fillPollE (V036): fds, timeout.
func (c *call) fillPollE() {
	c.putPollSet(c.args[0], c.args[1], false)
	c.b.PutS64(int64(int32(c.args[2])))
}

// fillPollX: res, fds, timeout.
func (c *call) fillPollX() {
	c.b.PutS64(c.ret)
	c.putPollSet(c.args[0], c.args[1], true)
	if c.in == spec.Current {
		c.b.PutS64(int64(int32(c.args[2])))
	}
}

// fillPpollE (V036): fds, timeout, sigmask.
func (c *call) fillPpollE() {
	c.putPollSet(c.args[0], c.args[1], false)
	c.putPpoll()
}

// fillPpollX: res, fds, timeout, sigmask.
func (c *call) fillPpollX() {
	c.b.PutS64(c.ret)
	c.putPollSet(c.args[0], c.args[1], true)
	if c.in == spec.Current {
		c.putPpoll()
	}
}

func (c *call) putPpoll() {
	c.b.PutU64(c.timespec(c.args[2]))
	mask, _ := c.mem.word(c.args[3], 4)
	c.b.PutU32(uint32(mask))
}

// putPollSet writes an array of struct pollfd: with what came back, or with what
// was asked. V036 lists after the call only entries where something came back.
func (c *call) putPollSet(addr, count uint64, after bool) {
	n := int(min(count&0xffffffff, pollLimit))
	got := c.mem.read(addr, c.iovBytes[:8*n])
	if got < 8*n {
		n = 0
	}
	out := append(c.scratch[:0], 0, 0)
	listed := uint16(0)
	for b := c.iovBytes[:8*n]; len(b) > 0; b = b[8:] {
		bits := le.Uint16(b[4:])
		if after {
			bits = le.Uint16(b[6:])
		}
		if after && bits == 0 && c.in == spec.V036 {
			continue
		}
		listed++
		out = le.AppendUint64(out, uint64(int64(int32(le.Uint32(b)))))
		out = le.AppendUint16(out, uint16(c.convPoll.Convert(uint64(bits))))
	}
	le.PutUint16(out, listed)
	c.b.PutBytes(out)
}

// fillSemopX: res, nsops, then number, op and flags of two operations, semid.
func (c *call) fillSemopX() {
	c.b.PutS64(c.ret)
	c.b.PutU32(uint32(c.args[2]))
	var ops [12]byte // two struct sembuf
	if n := min(c.args[2], 2) * 6; c.ret == 0 && n > 0 {
		if c.mem.read(c.args[1], ops[:n]) != int(n) {
			ops = [12]byte{}
		}
	}
	for b := ops[:]; len(b) > 0; b = b[6:] {
		c.b.PutU16(le.Uint16(b))
		c.b.PutU16(le.Uint16(b[2:]))
		c.b.PutU16(uint16(c.convSemop.Convert(uint64(le.Uint16(b[4:])))))
	}
	if c.in == spec.Current {
		c.b.PutU32(uint32(c.args[0]))
	}
}

// fillSemctlE (V036): semid, semnum, cmd, val.
func (c *call) fillSemctlE() {
	c.b.PutU32(uint32(c.args[0]))
	c.b.PutU32(uint32(c.args[1]))
	c.b.PutU16(uint16(c.convSemctl.Convert(c.args[2])))
	const setval = 16
	if uint32(c.args[2]) == setval {
		c.b.PutU32(uint32(c.args[3]))
	} else {
		c.b.PutU32(0)
	}
}

// fillSemctlX: res, then as semctl's enter event.
func (c *call) fillSemctlX() {
	c.b.PutS64(c.ret)
	if c.in == spec.Current {
		c.fillSemctlE()
	}
}

// fillFsconfigX: res, fd, cmd, key, value_bytebuf, value_charbuf, aux.
func (c *call) fillFsconfigX() {
	c.b.PutS64(c.ret)
	c.b.PutS64(int64(int32(c.args[0])))
	c.b.PutU32(uint32(c.args[1]))
	c.putString(c.args[2])
	const setString, setBinary, setPath, setPathEmpty = 1, 2, 3, 4 // FSCONFIG_SET_*, linux/mount.h
	cmd := uint32(c.args[1])
	if c.ret == 0 && cmd == setBinary {
		c.putRaw(c.args[3], c.args[4]&0xffffffff)
	} else {
		c.b.PutEmpty()
	}
	if c.ret == 0 && (cmd == setString || cmd == setPath || cmd == setPathEmpty) {
		c.putString(c.args[3])
	} else {
		c.b.PutEmpty()
	}
	c.b.PutU32(uint32(c.args[4]))
}

// fillIoUringSetupX: res, entries, sq_entries, cq_entries, flags, sq_thread_cpu,
// sq_thread_idle, features: the first words of struct io_uring_params, as the
// kernel left them.
func (c *call) fillIoUringSetupX() {
	var b [24]byte
	if c.mem.read(c.args[1], b[:]) != len(b) {
		b = [24]byte{}
	}
	c.b.PutS64(c.ret)
	c.b.PutU32(uint32(c.args[0]))
	c.b.PutU32(le.Uint32(b[0:]))
	c.b.PutU32(le.Uint32(b[4:]))
	c.b.PutU32(uint32(c.convRing.Convert(uint64(le.Uint32(b[8:])))))
	c.b.PutU32(le.Uint32(b[12:]))
	c.b.PutU32(le.Uint32(b[16:]))
	c.b.PutU32(uint32(c.convRingFeat.Convert(uint64(le.Uint32(b[20:])))))
}

// keyctl says for each operation (keyctl(2)) what its arguments are: 'i' a
// number, 's' a string, 0 nothing.
var keyctl = map[uint32]string{
	unix.KEYCTL_JOIN_SESSION_KEYRING: "s",
	unix.KEYCTL_REVOKE:               "i", unix.KEYCTL_CLEAR: "i", unix.KEYCTL_SET_REQKEY_KEYRING: "i",
	unix.KEYCTL_ASSUME_AUTHORITY: "i", unix.KEYCTL_INVALIDATE: "i",
	unix.KEYCTL_GET_KEYRING_ID: "ii", unix.KEYCTL_SETPERM: "ii", unix.KEYCTL_LINK: "ii", unix.KEYCTL_UNLINK: "ii",
	unix.KEYCTL_SET_TIMEOUT: "ii", unix.KEYCTL_GET_PERSISTENT: "ii", unix.KEYCTL_CAPABILITIES: "ii",
	unix.KEYCTL_UPDATE: "iii", unix.KEYCTL_CHOWN: "iii", unix.KEYCTL_DESCRIBE: "iii", unix.KEYCTL_READ: "iii",
	unix.KEYCTL_NEGATE: "iii", unix.KEYCTL_GET_SECURITY: "iii", unix.KEYCTL_WATCH_KEY: "iii",
	unix.KEYCTL_RESTRICT_KEYRING: "iss",
	unix.KEYCTL_PKEY_QUERY:       "iis",
	unix.KEYCTL_SEARCH:           "issi",
	unix.KEYCTL_INSTANTIATE:      "iiii", unix.KEYCTL_REJECT: "iiii", unix.KEYCTL_INSTANTIATE_IOV: "iiii",
	unix.KEYCTL_DH_COMPUTE: "iiii", unix.KEYCTL_MOVE: "iiii",
	unix.KEYCTL_PKEY_ENCRYPT: "isii", unix.KEYCTL_PKEY_DECRYPT: "isii", unix.KEYCTL_PKEY_SIGN: "isii",
	unix.KEYCTL_PKEY_VERIFY: "isii",
}

// fillKeyctlX: res, operation, arg2 to arg5.
func (c *call) fillKeyctlX() {
	c.b.PutS64(c.ret)
	c.b.PutU32(uint32(c.args[0]))
	kinds := keyctl[uint32(c.args[0])]
	for i := range 4 {
		if i < len(kinds) && kinds[i] == 's' {
			room := c.b.Room(1 + maxString)
			room[0] = 1
			c.b.Commit(1 + c.mem.str(c.args[1+i], room[1:]))
			continue
		}
		v := uint64(0)
		if i < len(kinds) {
			v = c.args[1+i]
		}
		c.b.PutBytes(le.AppendUint64(append(c.scratch[:0], 0), v))
	}
}
