package spec

// A NamedSet is a selection of system calls by patterns of their names, in which
// * stands for any letters.
type NamedSet struct {
	Name     string
	Help     string
	Patterns []string
}

// NamedSets are the selections that are more than a category or a property of
// the rows.
var NamedSets = []NamedSet{
	{"rules", "what Falco's stable rules look at beyond state", []string{
		"rename*", "unlink*", "link", "linkat", "symlink*", "mkdir*", "rmdir", "chmod", "fchmod*", "chown", "fchown*",
		"lchown", "ptrace", "kill", "tkill", "tgkill", "mount", "setns", "unshare", "bpf", "memfd_create",
		"init_module", "finit_module", "delete_module", "listen", "process_vm_*", "keyctl", "userfaultfd",
		"prctl", "capset", "setuid*", "setgid*", "setresuid*", "setresgid*", "setreuid*", "setregid*",
	}},
	{"lifecycle", "processes: made, named, moved, ended", []string{
		"clone", "clone3", "fork", "vfork", "execve", "execveat", "sched_process_exit", "prctl", "chdir", "fchdir", "chroot",
	}},
}

// X32Calls lists the calls of the x32 ABI whose number (without
// __X32_SYSCALL_BIT) is not the one of x86_64 (arch/x86/entry/syscalls/syscall_64.tbl),
// by number from FirstX32.
var X32Calls = []string{
	"rt_sigaction", "rt_sigreturn", "ioctl", "readv", "writev", "recvfrom", "sendmsg", "recvmsg", "execve", "ptrace",
	"rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "sigaltstack", "timer_create", "mq_notify", "kexec_load",
	"waitid", "set_robust_list", "get_robust_list", "vmsplice", "move_pages", "preadv", "pwritev", "rt_tgsigqueueinfo",
	"recvmmsg", "sendmmsg", "process_vm_readv", "process_vm_writev", "setsockopt", "getsockopt", "io_setup",
	"io_submit", "execveat", "preadv2", "pwritev2",
}

// FirstX32 is the number of the first of X32Calls.
const FirstX32 = 512
