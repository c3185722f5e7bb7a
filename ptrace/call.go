package ptrace

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A plan is a row made ready for this driver: conversions resolved, widths
// looked up, parameters of other editions left off.
type plan struct {
	typ    event.Type
	n      int  // parameters
	used   bool // this driver emits it in this edition
	opens  bool // the enter event of a call that may make a file, see openedFlags
	ops    []planOp
	filler func(*call)
}

type planOp struct {
	op   spec.Op
	args [3]uint8
	size int // bytes of an integer, 0 for values of variable length
	conv *spec.Converter
}

// newPlans prepares all rows that the driver can emit in an edition.
func newPlans(in spec.Profile, arch spec.Arch) []plan {
	plans := make([]plan, len(spec.Events))
	for i := range spec.Events {
		e := &spec.Events[i]
		p := &plans[i]
		p.typ, p.n = event.Type(i), e.NumParams(in)
		if e.In&in == 0 || e.Kernel {
			continue
		}
		p.used = true
		switch p.typ {
		case event.OpenE, event.OpenatE, event.Openat2E:
			p.opens = true
		}
		p.filler = fillers[e.Filler]
		for _, q := range e.Params[:p.n] {
			op := planOp{op: q.From.Op, args: q.From.Args, size: q.Type.Size()}
			if q.From.Op == spec.Convert {
				op.conv = spec.FindConversion(q.From.Conv).On(arch)
			}
			p.ops = append(p.ops, op)
		}
	}
	return plans
}

// A call is one stop on its way to become events: the thread, its call, and
// what was found out about it so far.
type call struct {
	*Driver
	t *thread
	entry
	ret   int64
	mem   memory
	known struct { // looked up at most once a stop
		vm, file bool
	}
	vm     vm
	file   unix.Statx_t // of the descriptor in fileFD
	fileFD int64
	mount  *mounted        // that the file is on, nil if unknown
	status unix.WaitStatus // procexit
	info   sigInfo         // signaldeliver
	flags  event.Flags     // of the events

	text     []byte // the last string argument that was read, with its NUL
	execName uint64 // address in a new program of the name that it was started by

	// entering: the event is an enter event; there is no result yet.
	entering bool
}

// emit lays out one event.
func (c *call) emit(typ event.Type, ts uint64, tid int) {
	p := &c.plans[typ]
	if !p.used {
		return
	}
	if p.opens {
		c.t.entry.coarse = coarseTime()
	}
	c.b.Begin(typ, ts, int64(tid), p.n)
	if p.filler != nil {
		p.filler(c)
	} else {
		for i := range p.ops {
			c.put(&p.ops[i])
		}
	}
	if c.b.Missing() != 0 {
		c.b.Abort() // a filler that disagrees with its row: never on the wire
		c.stats.Bugs++
		return
	}
	c.end()
}

// end completes an event.
func (c *call) end() {
	c.b.End()
	c.Driver.flags = append(c.Driver.flags, c.flags)
	c.stats.Events++
}

// put obtains the value of one parameter.
func (c *call) put(o *planOp) {
	a := o.args
	arg := func(i int) uint64 {
		if a[i] == spec.NoArg {
			return 0
		}
		return c.args[a[i]]
	}
	switch o.op {
	case spec.Result:
		c.b.PutInt(o.size, uint64(c.ret))
	case spec.Arg:
		c.b.PutInt(o.size, arg(0))
	case spec.ArgS32:
		c.b.PutInt(o.size, uint64(int64(int32(arg(0)))))
	case spec.Number:
		c.b.PutInt(o.size, uint64(a[0]))
	case spec.SC:
		c.b.PutInt(o.size, uint64(c.sc.SC))
	case spec.NativeNumber:
		c.b.PutInt(o.size, c.nr)
	case spec.HiLo:
		c.b.PutInt(o.size, arg(0)<<32|arg(1)&0xffffffff)
	case spec.DirFDRaw:
		if v := arg(0); int32(v) == unix.AT_FDCWD {
			c.b.PutS64(event.AtFDCWD)
		} else {
			c.b.PutU64(v)
		}
	case spec.StringAt:
		c.putString(arg(0))
	case spec.StringAtOK:
		if c.ret >= 0 {
			c.putString(arg(0))
		} else {
			c.b.PutEmpty()
		}
	case spec.Convert:
		c.b.PutInt(o.size, o.conv.Convert(arg(0)))
	case spec.OpenMode:
		c.b.PutInt(o.size, openMode(arg(0), arg(1)))
	case spec.OpenedFlags:
		c.b.PutInt(o.size, c.openedFlags(arg(0)))
	case spec.CreatFlags:
		l := noOverlay
		if c.ret >= 0 {
			l = c.layer(c.ret)
		}
		c.b.PutInt(o.size, uint64(l)) // creat_flags: upper 1, lower 2
	case spec.MountFlags:
		c.b.PutInt(o.size, mountFlags(arg(0)))
	case spec.EncodeDev:
		v := uint32(arg(0))
		c.b.PutInt(o.size, uint64(procfs.EncodeDev(v>>20, v&0xfffff))) // MINORBITS, linux/kdev_t.h
	case spec.Dev:
		st := c.opened(c.ret)
		c.b.PutInt(o.size, uint64(c.deviceOf(st)))
	case spec.Ino:
		c.b.PutInt(o.size, c.opened(c.ret).Ino)
	case spec.FDPath:
		c.putFDPath()
	case spec.DataIn:
		c.putBuffer(arg(0), uint64(max(c.ret, 0)))
	case spec.DataOut:
		c.putBuffer(arg(0), c.outLen(arg(1)))
	case spec.RawData:
		c.putRaw(arg(0), arg(1))
	case spec.IovIn, spec.IovOut, spec.IovSize, spec.IovSizeIn:
		c.putIov(o.op, arg(0), arg(1))
	case spec.TimespecAt:
		c.b.PutU64(c.timespec(arg(0)))
	case spec.U32At:
		v, _ := c.mem.word(arg(0), 4)
		c.b.PutInt(o.size, v)
	case spec.U64At:
		v, _ := c.mem.word(arg(0), c.long())
		c.b.PutInt(o.size, v)
	case spec.FDAt:
		c.b.PutS64(c.fdAt(arg(0), a[1]))
	case spec.InoAt:
		if c.ret < 0 {
			c.b.PutU64(0)
		} else {
			c.b.PutU64(c.opened(c.fdAt(arg(0), a[1])).Ino)
		}
	case spec.SockAddrAt:
		c.putSockAddr(arg(0), arg(1))
	case spec.TupleOut, spec.TupleIn:
		c.putTuple(o.op == spec.TupleIn, int32(arg(0)), c.userAddr(o))
	case spec.VMSize:
		c.b.PutU32(c.sizes().size)
	case spec.VMRSS:
		c.b.PutU32(c.sizes().rss)
	case spec.VMSwap:
		c.b.PutU32(c.sizes().swap)
	case spec.CapInheritable:
		c.b.PutU64(c.credentials(c.t).inh)
	case spec.CapPermitted:
		c.b.PutU64(c.credentials(c.t).prm)
	case spec.CapEffective:
		c.b.PutU64(c.credentials(c.t).eff)
	default:
		c.b.PutEmpty()
	}
}

// long is the size of a long in the tracee's structures, in bytes.
func (c *call) long() int {
	if c.compat {
		return 4
	}
	return 8
}

// putString reads a string argument in place.
func (c *call) putString(addr uint64) {
	room := c.b.Room(maxString)
	c.text = room[:c.mem.str(addr, room)]
	c.b.Commit(len(c.text))
}

// maxString is the longest string on the wire, in bytes with its NUL.
const maxString = 4096

// putBuffer reads a buffer of n bytes, at most snaplen.
func (c *call) putBuffer(addr, n uint64) { c.putRaw(addr, min(n, uint64(c.cfg.Snaplen))) }

// putRaw reads a buffer that snaplen does not cut.
func (c *call) putRaw(addr, n uint64) {
	size := int(min(n, event.MaxParamLen))
	got := c.mem.read(addr, c.b.Room(size))
	if got < size {
		got = 0 // unreadable memory is an empty value
	}
	c.b.Commit(got)
}

// outLen is how much of a buffer given to a call is shown: what was taken, or
// what was offered where nothing was.
func (c *call) outLen(asked uint64) uint64 {
	if c.ret > 0 {
		return uint64(c.ret)
	}
	return asked
}

// fdAt returns entry i of a user array of int, -1 if it can't be read.
func (c *call) fdAt(addr uint64, i uint8) int64 {
	v, ok := c.mem.word(addr+4*uint64(i), 4)
	if !ok {
		return -1
	}
	return int64(int32(v))
}

// timespec reads a struct timespec: ns, 0 if it can't be read.
func (c *call) timespec(addr uint64) uint64 {
	size := c.long()
	var b [16]byte
	if c.mem.read(addr, b[:2*size]) != 2*size {
		return 0
	}
	return c.num(b[:], 0)*1e9 + c.num(b[:], 1)
}

// num takes long number i of a structure.
func (c *call) num(b []byte, i int) uint64 {
	if c.compat {
		return uint64(le.Uint32(b[4*i:]))
	}
	return le.Uint64(b[8*i:])
}

// sizes returns the process's memory, read once a stop.
func (c *call) sizes() vm {
	if !c.known.vm {
		c.vm, c.known.vm = c.memorySizes(c.t), true
	}
	return c.vm
}

// opened returns the file behind a descriptor, zeros if there is none.
func (c *call) opened(fd int64) *unix.Statx_t {
	if !c.known.file || c.fileFD != fd {
		c.known.file, c.fileFD, c.file, c.mount = true, fd, unix.Statx_t{}, nil
		if fd >= 0 {
			c.statFD(c.t, fd, &c.file)
			c.asKernel(fd)
		}
	}
	return &c.file
}
