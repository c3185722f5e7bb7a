package main

import (
	"encoding/binary"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// memorySize and snapLen are MEMORY and SNAPLEN of testdata/ops.h.
const (
	memorySize = 4096
	snapLen    = 80
)

// A model is a call as testdata/ops.h sees it, and does what it does.
type model struct {
	memory []byte
	args   [6]uint64
	ret    int64
	in     spec.Profile
}

// event lays out what a row says.
func (m *model) event(b *event.Builder, e *spec.Event) []byte {
	n := e.NumParams(m.in)
	b.Reset()
	b.Begin(event.Type(e.Number), 1, 2, n)
	for i := range n {
		p := &e.Params[i]
		if value, puts := m.value(p.From); puts {
			b.PutBytes(value)
		} else {
			b.PutInt(p.Type.Size(), binary.LittleEndian.Uint64(value))
		}
	}
	return b.End()
}

func integer(v uint64) ([]byte, bool) { return binary.LittleEndian.AppendUint64(nil, v), false }

// ok returns v if the call did not fail.
func (m *model) ok(v uint64) ([]byte, bool) {
	if m.ret < 0 {
		v = 0
	}
	return integer(v)
}

// value returns the value of an op, eight bytes unless the op puts it itself.
func (m *model) value(f spec.From) (value []byte, puts bool) {
	var a [3]uint64 // arguments of the op
	for i, kind := range spec.Ops[f.Op].Args {
		switch {
		case f.Args[i] == spec.NoArg:
		case kind == 'a':
			a[i] = m.args[f.Args[i]]
		default:
			a[i] = uint64(f.Args[i])
		}
	}
	switch f.Op {
	case spec.Result:
		return integer(uint64(m.ret))
	case spec.Arg, spec.Number:
		return integer(a[0])
	case spec.ArgS32:
		return integer(uint64(int32(a[0])))
	case spec.SC:
		return integer(m.args[0] % 512)
	case spec.NativeNumber:
		return integer(m.args[1] % 512)
	case spec.HiLo:
		return integer(a[0]<<32 | a[1]&(1<<32-1))
	case spec.DirFDRaw:
		if int32(a[0]) == -100 {
			return integer(uint64(1<<64 + event.AtFDCWD))
		}
		return integer(a[0])
	case spec.Convert:
		return integer(convert(f.Conv, a[0]))
	case spec.OpenMode:
		if a[0]&(0o100|0o20200000) == 0 { // O_CREAT, O_TMPFILE
			return integer(0)
		}
		return integer(a[1] & 0o7777)
	case spec.OpenedFlags:
		v := convert("open_flags", a[0])
		if m.ret >= 0 {
			v |= spec.FindTable("file_flags").Find("O_F_CREATED").Value
		}
		return integer(v)
	case spec.CreatFlags:
		return m.ok(1)
	case spec.MountFlags:
		if a[0]&0xffff0000 == 0xc0ed0000 {
			return integer(a[0] & 0xffff)
		}
		return integer(a[0])
	case spec.EncodeDev:
		major, minor := uint32(a[0])>>20, uint32(a[0])&0xfffff
		return integer(uint64(minor&0xff | major<<8 | minor>>8<<20))
	case spec.Dev:
		return m.ok(0x800001)
	case spec.Ino:
		return m.ok(12)
	case spec.VMSize:
		return integer(1000)
	case spec.VMRSS:
		return integer(100)
	case spec.VMSwap:
		return integer(10)
	case spec.CapInheritable:
		return integer(1)
	case spec.CapPermitted:
		return integer(1 << 40)
	case spec.CapEffective:
		return integer(3)
	}
	return m.read(f.Op, a)
}

func convert(name string, v uint64) uint64 {
	return spec.FindConversion(name).On(spec.X86).Convert(v)
}

// at returns n bytes at an address, nil if they can't be read.
func (m *model) at(addr, n uint64) []byte {
	if addr == 0 || addr > memorySize || n > memorySize-addr {
		return nil
	}
	return m.memory[addr : addr+n]
}

func (m *model) load(addr, n uint64) uint64 {
	var b [8]byte
	copy(b[:], m.at(addr, n))
	return binary.LittleEndian.Uint64(b[:])
}

// read returns the value of an op that looks into memory.
func (m *model) read(op spec.Op, a [3]uint64) (value []byte, puts bool) {
	fd := uint64(1<<64 - 1)
	if m.at(a[0]+4*a[1], 4) != nil {
		fd = uint64(int32(m.load(a[0]+4*a[1], 4)))
	}
	done := uint64(max(m.ret, 0))
	out := done // bytes of a buffer that was given
	if m.ret <= 0 {
		out = a[1]
	}
	switch op {
	case spec.U32At:
		return integer(m.load(a[0], 4))
	case spec.U64At:
		return integer(m.load(a[0], 8))
	case spec.TimespecAt:
		if m.at(a[0], 16) == nil {
			return integer(0)
		}
		return integer(m.load(a[0], 8)*1e9 + m.load(a[0]+8, 8))
	case spec.FDAt:
		return integer(fd)
	case spec.InoAt:
		return m.ok(fd * 10)
	case spec.IovSize, spec.IovSizeIn:
		sum := uint64(0)
		for i := range min(a[1], 32) {
			sum += m.load(a[0]+16*i+8, 8)
		}
		if op == spec.IovSizeIn {
			sum = min(sum, done)
		}
		return integer(sum)
	case spec.StringAt:
		return m.text(a[0]), true
	case spec.StringAtOK:
		if m.ret < 0 {
			return nil, true
		}
		return m.text(a[0]), true
	case spec.FDPath:
		if m.ret < 0 {
			return nil, true
		}
		return []byte("/some/path\x00"), true
	case spec.DataIn:
		return m.at(a[0], min(done, snapLen)), true
	case spec.DataOut:
		return m.at(a[0], min(out, snapLen)), true
	case spec.RawData, spec.SockAddrAt:
		return m.at(a[0], a[1]), true
	case spec.IovIn:
		return m.iov(a[0], a[1], min(done, snapLen)), true
	case spec.IovOut:
		return m.iov(a[0], a[1], snapLen), true
	case spec.TupleOut, spec.TupleIn:
		if m.ret < 0 {
			return nil, true
		}
		b := []byte{'o'}
		if op == spec.TupleIn {
			b[0] = 'i'
		}
		for _, v := range a {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return b, true
	}
	panic("the model lacks " + op.String())
}

// text returns a string with its NUL, nil if it can't be read or has no end.
func (m *model) text(addr uint64) []byte {
	if addr == 0 {
		return nil
	}
	for i := addr; i < memorySize; i++ {
		if m.memory[i] == 0 {
			return m.memory[addr : i+1]
		}
	}
	return nil
}

func (m *model) iov(iov, count, room uint64) (all []byte) {
	for i := range min(count, 32) {
		n := min(m.load(iov+16*i+8, 8), room-uint64(len(all)))
		all = append(all, m.at(m.load(iov+16*i, 8), n)...)
	}
	return all
}
