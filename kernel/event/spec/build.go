package spec

// ev makes a row. Rows without parameters' ops are either never emitted or
// filled by hand, see filler.
func ev(number uint16, ident, name string, cat Category, flags Flags, in Profile, params ...Param) Event {
	return Event{Number: number, Ident: ident, Name: name, Category: cat, Flags: flags, In: in, Params: params}
}

// filler names the function that each driver writes by hand for the event.
func (e Event) filler(name string) Event { e.Filler = name; return e }

// kernel marks an event that no userspace driver can see.
func (e Event) kernel() Event { e.Kernel = true; return e }

// loss says as what the event counts when a driver loses it.
func (e Event) loss(l Loss) Event { e.Loss = l; return e }

// p makes a parameter; v one without an op.
func p(name string, t Type, f Format, from From) Param {
	return Param{Name: name, Type: t, Format: f, From: from, Since: Both}
}

func v(name string, t Type, f Format) Param { return p(name, t, f, From{}) }

// table, dyn, rel and later complete a parameter.
func (p Param) table(name string) Param { p.Table = name; return p }
func (p Param) dyn(name string) Param   { p.Dyn = name; return p }
func (p Param) rel(pos uint8) Param     { p.RelTo = pos; return p }
func (p Param) later() Param            { p.Since = Current; return p }

func op(o Op, args ...uint8) From {
	f := From{Op: o, Args: [3]uint8{NoArg, NoArg, NoArg}}
	copy(f.Args[:], args)
	return f
}

// One function for each op, in the order of the ops.
func ret() From                           { return op(Result) }
func arg(n uint8) From                    { return op(Arg, n) }
func s32(n uint8) From                    { return op(ArgS32, n) }
func num(value uint8) From                { return op(Number, value) }
func sc() From                            { return op(SC) }
func nr() From                            { return op(NativeNumber) }
func hiLo(hi, lo uint8) From              { return op(HiLo, hi, lo) }
func dirfdRaw(n uint8) From               { return op(DirFDRaw, n) }
func str(n uint8) From                    { return op(StringAt, n) }
func strOK(n uint8) From                  { return op(StringAtOK, n) }
func openMode(flags, mode uint8) From     { return op(OpenMode, flags, mode) }
func openedFlags(n uint8) From            { return op(OpenedFlags, n) }
func creatFlags() From                    { return op(CreatFlags) }
func mountFlags(n uint8) From             { return op(MountFlags, n) }
func encodeDev(n uint8) From              { return op(EncodeDev, n) }
func dev() From                           { return op(Dev) }
func ino() From                           { return op(Ino) }
func fdPath() From                        { return op(FDPath) }
func data(n uint8) From                   { return op(DataIn, n) }
func dataOut(n, length uint8) From        { return op(DataOut, n, length) }
func rawData(n, length uint8) From        { return op(RawData, n, length) }
func iovData(n, count uint8) From         { return op(IovIn, n, count) }
func iovDataOut(n, count uint8) From      { return op(IovOut, n, count) }
func iovSize(n, count uint8) From         { return op(IovSize, n, count) }
func iovSizeIn(n, count uint8) From       { return op(IovSizeIn, n, count) }
func timespec(n uint8) From               { return op(TimespecAt, n) }
func u32At(n uint8) From                  { return op(U32At, n) }
func u64At(n uint8) From                  { return op(U64At, n) }
func fdAt(n, index uint8) From            { return op(FDAt, n, index) }
func inoAt(n, index uint8) From           { return op(InoAt, n, index) }
func sockaddr(n, length uint8) From       { return op(SockAddrAt, n, length) }
func tuple(fd, addr, length uint8) From   { return op(TupleOut, fd, addr, length) }
func tupleIn(fd, addr, length uint8) From { return op(TupleIn, fd, addr, length) }
func vmSize() From                        { return op(VMSize) }
func vmRSS() From                         { return op(VMRSS) }
func vmSwap() From                        { return op(VMSwap) }
func capInheritable() From                { return op(CapInheritable) }
func capPermitted() From                  { return op(CapPermitted) }
func capEffective() From                  { return op(CapEffective) }

func conv(name string, n uint8) From {
	f := op(Convert, n)
	f.Conv = name
	return f
}

// Flags of tables: same has one value everywhere, flag another one in the
// kernel, arch one that differs between machines, x86 one that only x86 has,
// and name none at all.
func same(n string, value uint64) Flag { return flag(n, value, value) }
func flag(n string, value, kernel uint64) Flag {
	return Flag{Name: n, Value: value, Kernel: kernel, Arm64: kernel, HasKernel: true}
}
func arch(n string, value, x86, arm64 uint64) Flag {
	return Flag{Name: n, Value: value, Kernel: x86, Arm64: arm64, HasKernel: true}
}
func x86(n string, value, kernel uint64) Flag {
	return Flag{Name: n, Value: value, Kernel: kernel, HasKernel: true, OnlyX86: true}
}
func name(n string, value uint64) Flag { return Flag{Name: n, Value: value} }
