package ptrace

import "golang.org/x/sys/unix"

// regs is struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h).
type regs struct {
	X      [31]uint64
	Sp     uint64
	Pc     uint64
	Pstate uint64
}

const (
	nativeArch = unix.AUDIT_ARCH_AARCH64
	compatArch = unix.AUDIT_ARCH_ARM // 32-bit calls: the contract has none, they run unobserved
	x32Bit     = 0
)

// entry returns what PTRACE_GET_SYSCALL_INFO would say at a call's entry.
func (r *regs) entry(info *syscallInfo) {
	info.arch = nativeArch
	info.data = [8]uint64{r.X[8], r.X[0], r.X[1], r.X[2], r.X[3], r.X[4], r.X[5]}
}

// result returns the result of the call that a thread leaves.
func (r *regs) result() int64 { return int64(r.X[0]) }

// setResult changes the result of the call that a thread leaves.
func (r *regs) setResult(v int64) { r.X[0] = uint64(v) }

// inCall reports whether the thread stopped in the kernel on behalf of a call.
// The regset has no orig_x0 and no call number of its own; a thread that was
// interrupted has -EINTR in x0, and the caller asks only then.
func (r *regs) inCall() bool { return true }

// setArg0 changes the first argument.
func (r *regs) setArg0(v uint64) { r.X[0] = v }

// restoreArg0 does nothing: the result took the argument's register.
func (r *regs) restoreArg0(uint64) {}

// syscallCode is the instruction that makes a call: svc #0.
var syscallCode = []byte{0x01, 0x00, 0x00, 0xd4}

// prepare sets a thread up to make a call at an address that holds syscallCode.
func (r *regs) prepare(at, nr uint64, args []uint64) {
	r.Pc, r.X[8] = at, nr
	copy(r.X[:6], args)
}

// restartByHand does nothing: on this machine the kernel has moved the program
// counter back and restored the first argument before the stop
// (arch/arm64/kernel/signal.c:do_signal).
func (r *regs) restartByHand() {}

const sysPause = unix.SYS_PPOLL // without descriptors, timeout and mask

// is32 reports whether the thread runs 32-bit code (PSR_MODE32_BIT,
// arch/arm64/include/uapi/asm/ptrace.h).
func (r *regs) is32() bool { return r.Pstate&0x10 != 0 }
