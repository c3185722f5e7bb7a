package ptrace

import "golang.org/x/sys/unix"

// regs is struct user_regs_struct (arch/x86/include/asm/user_64.h). In compat
// calls the kernel keeps the same layout for a 64-bit tracer.
type regs struct {
	R15, R14, R13, R12, Rbp, Rbx, R11, R10, R9, R8             uint64
	Rax, Rcx, Rdx, Rsi, Rdi, OrigRax, Rip, Cs, Eflags, Rsp, Ss uint64
	FsBase, GsBase, Ds, Es, Fs, Gs                             uint64
}

const (
	nativeArch = unix.AUDIT_ARCH_X86_64
	compatArch = unix.AUDIT_ARCH_I386
	x32Bit     = 0x40000000 // __X32_SYSCALL_BIT

	userCS32 = 0x23 // __USER32_CS, arch/x86/include/asm/segment.h
)

// entry returns what PTRACE_GET_SYSCALL_INFO would say at a call's entry.
func (r *regs) entry(info *syscallInfo) {
	info.arch = nativeArch
	info.data = [8]uint64{r.OrigRax, r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9}
	if r.Cs == userCS32 {
		info.arch = compatArch
		info.data = [8]uint64{r.OrigRax & 0xffffffff, r.Rbx & 0xffffffff, r.Rcx & 0xffffffff, r.Rdx & 0xffffffff,
			r.Rsi & 0xffffffff, r.Rdi & 0xffffffff, r.Rbp & 0xffffffff}
	}
}

// result returns the result of the call that a thread leaves.
func (r *regs) result() int64 {
	if r.Cs == userCS32 {
		return int64(int32(r.Rax))
	}
	return int64(r.Rax)
}

// setResult changes the result of the call that a thread leaves.
func (r *regs) setResult(v int64) { r.Rax = uint64(v) }

// inCall reports whether the thread stopped in the kernel on behalf of a call,
// so that a result of -ERESTART* would restart it.
func (r *regs) inCall() bool { return int64(r.OrigRax) >= 0 }

// setArg0 changes the first argument.
func (r *regs) setArg0(v uint64) {
	if r.Cs == userCS32 {
		r.Rbx = v
		return
	}
	r.Rdi = v
}

// restoreArg0 puts back the first argument after the call.
func (r *regs) restoreArg0(v uint64) { r.setArg0(v) }

// syscallCode is the instruction that makes a call.
var syscallCode = []byte{0x0f, 0x05}

// prepare sets a thread up to make a call at an address that holds syscallCode.
func (r *regs) prepare(at, nr uint64, args []uint64) {
	r.Rip, r.Rax, r.OrigRax = at, nr, ^uint64(0)
	r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9 = args[0], args[1], args[2], args[3], args[4], args[5]
}

// restartByHand does what the kernel would have done on the way out of a call
// that was interrupted (arch/x86/kernel/signal.c:arch_do_signal_or_restart), for
// registers that are put back after that way was taken by another call.
func (r *regs) restartByHand() {
	if !r.inCall() {
		return
	}
	switch int64(r.Rax) {
	case -512, -513, -514, -int64(unix.EINTR): // -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND; EINTR: see restart
		r.Rax = r.OrigRax
		r.Rip -= 2
	case -516: // -ERESTART_RESTARTBLOCK
		r.Rax = unix.SYS_RESTART_SYSCALL
		r.Rip -= 2
	}
}

const sysPause = unix.SYS_PAUSE

// is32 reports whether the thread runs 32-bit code.
func (r *regs) is32() bool { return r.Cs == userCS32 }
