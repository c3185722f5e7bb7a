package capture

import (
	"github.com/lannerhq/lanner/internal/snapshot"
)

// processVersion returns the version of a process list, 0 for other blocks.
func (t blockType) processVersion() int {
	switch t {
	case processV1, oldProcessV1:
		return 1
	case processV2, oldProcessV2:
		return 2
	case processV3, oldProcessV3:
		return 3
	}
	if t >= processV4 && t <= processV9 {
		return 4 + int(t-processV4)
	}
	return 0
}

func (r *Reader) processes(c *cursor, version int) error {
	for c.more() {
		if len(r.state.Threads) >= r.limits.Threads {
			return r.damage("more than %d threads", r.limits.Threads)
		}
		e, done := c.entry(version >= 9, 4)
		t := process(&e, version)
		if done(&e); c.short {
			return r.broken("process list", c)
		}
		if i, ok := r.threads[t.TID]; ok {
			t.FDs = r.state.Threads[i].FDs
			r.state.Threads[i] = t
			continue
		}
		r.threads[t.TID] = len(r.state.Threads)
		r.state.Threads = append(r.state.Threads, t)
	}
	return nil
}

// process takes an entry of the process list; versions only ever added fields.
func process(c *cursor, version int) snapshot.Thread {
	t := snapshot.Thread{SID: -1, VPGID: -1, PGID: -1, VTID: -1, VPID: -1, LoginUID: ^uint32(0)}
	t.TID, t.PID, t.PTID = c.s64(), c.s64(), c.s64()
	if version >= 6 {
		t.SID = c.s64()
	}
	if version >= 8 {
		t.VPGID = c.s64()
	}
	t.Comm, t.Exe = c.text(), c.text()
	if version >= 7 {
		t.ExePath = c.text()
	}
	t.Args, t.CWD = c.list(), c.text()
	t.FDLimit = c.s64()
	t.Flags, t.UID, t.GID = c.u32(), c.u32(), c.u32()
	if version >= 2 {
		t.VMSize, t.VMRSS, t.VMSwap = c.u32(), c.u32(), c.u32()
		t.MajFault, t.MinFault = c.u64(), c.u64()
	}
	if version >= 3 {
		t.Env = c.list()
	}
	if version >= 4 {
		t.VTID, t.VPID = c.s64(), c.s64()
		t.Cgroups = c.list()
	}
	if version >= 5 {
		t.Root = c.text()
	}
	if version >= 9 && !c.short {
		processTail(c, &t)
	}
	return t
}

// shortTail is the longest tail of writers before libs 0.10, bytes: they begin
// with the login uid.
const shortTail = 29

func processTail(c *cursor, t *snapshot.Thread) {
	if c.left() > shortTail {
		c.tail64(&t.PIDNSInitStart)
		c.tail32(&t.TTY)
	}
	c.tail32(&t.LoginUID)
	c.tailFlag(&t.ExeWritable)
	c.tail64(&t.CapInh)
	c.tail64(&t.CapPrm)
	c.tail64(&t.CapEff)
	c.tailFlag(&t.ExeUpperLayer)
	c.tail64(&t.ExeIno)
	c.tail64(&t.ExeCTime)
	c.tail64(&t.ExeMTime)
	c.tailFlag(&t.ExeMemfd)
	c.tailFlag(&t.ExeLowerLayer)
	pgid := uint64(t.PGID)
	c.tail64(&pgid)
	t.PGID = int64(pgid)
}

func (r *Reader) fds(c *cursor) error {
	i, known := r.threads[c.s64()]
	if c.short {
		return r.broken("descriptor list", c)
	}
	for c.more() {
		if r.numFDs++; r.numFDs > r.limits.FDs {
			return r.damage("more than %d descriptors", r.limits.FDs)
		}
		sized := r.kind == fdListV2
		e, done := c.entry(sized, 4)
		fd, ok := descriptor(&e, sized)
		if done(&e); c.short {
			return r.broken("descriptor list", c)
		}
		if known {
			t := &r.state.Threads[i]
			t.FDs = append(t.FDs, fd)
		}
		if !ok && !sized {
			return nil // where the next entry starts cannot be known
		}
	}
	return nil
}

// descriptor takes an entry of the descriptor list. ok is false for a kind that
// is not known, which becomes an unsupported one.
func descriptor(c *cursor, sized bool) (fd snapshot.FD, ok bool) {
	fd.FD, fd.Ino = c.s64(), c.u64()
	fd.Type = snapshot.FDType(c.u8())
	switch fd.Type {
	case snapshot.FDIPv4Sock:
		pair(c, &fd, 4)
	case snapshot.FDIPv6Sock:
		pair(c, &fd, 16)
	case snapshot.FDIPv4Server:
		server(c, &fd, 4)
	case snapshot.FDIPv6Server:
		server(c, &fd, 16)
	case snapshot.FDUnixSock:
		fd.SrcPtr, fd.DstPtr = c.u64(), c.u64()
		fd.Name = c.text()
	case snapshot.FDFileV2:
		fd.Flags = c.u32()
		fd.Name = c.text()
		if sized {
			c.tail32(&fd.Dev)
		}
	case snapshot.FDFile, snapshot.FDDir, snapshot.FDFifo, snapshot.FDEvent, snapshot.FDUnsupported, snapshot.FDSignal,
		snapshot.FDEventPoll, snapshot.FDInotify, snapshot.FDTimer, snapshot.FDNetlink, snapshot.FDBPF,
		snapshot.FDUserfault, snapshot.FDIOUring, snapshot.FDMemfd, snapshot.FDPIDFD:
		fd.Name = c.text()
	default:
		fd.Type = snapshot.FDUnsupported
		return fd, false
	}
	return fd, true
}

func pair(c *cursor, fd *snapshot.FD, size int) {
	fd.SrcIP, fd.DstIP = c.address(size), c.address(size)
	fd.SrcPort, fd.DstPort = c.u16(), c.u16()
	fd.Proto = snapshot.L4Proto(c.u8())
}

func server(c *cursor, fd *snapshot.FD, size int) {
	fd.SrcIP = c.address(size)
	fd.SrcPort = c.u16()
	fd.Proto = snapshot.L4Proto(c.u8())
}
