package state

// exitHandlers says what the exit event of a call, or a tracepoint's event,
// does to the state, by the name of its row.
var exitHandlers = map[string]func(*State){
	"clone": clone, "fork": clone, "vfork": clone, "clone3": clone,
	"execve": exec, "execveat": exec,
	"procexit": procexit, "switch": contextSwitch,

	"open": open, "openat": open, "openat2": open, "creat": open, "open_by_handle_at": open,
	"close": closeFD, "close_range": closeRange,
	"dup": dup, "dup2": dup, "dup3": dup, "fcntl": fcntl,
	"pipe": pipe, "pipe2": pipe,
	"eventfd": newFD, "eventfd2": newFD, "signalfd": newFD, "signalfd4": newFD, "timerfd_create": newFD,
	"inotify_init": newFD, "inotify_init1": newFD, "epoll_create": newFD, "epoll_create1": newFD,
	"memfd_create": newFD, "userfaultfd": newFD, "bpf": newFD, "io_uring_setup": newFD, "pidfd_open": newFD,
	"pidfd_getfd": pidfdGetfd,

	"socket": socket, "socketpair": socketpair, "bind": bind, "connect": connect,
	"accept": accept, "accept4": accept,
	"sendto": send, "sendmsg": send, "sendmmsg": send, "send": send,
	"recvfrom": receive, "recvmsg": receive, "recvmmsg": receive, "recv": receive,

	"chdir": chdir, "fchdir": fchdir, "getcwd": getcwd, "chroot": chroot,
	"prctl": prctl, "setsid": setsid, "setpgid": setpgid, "unshare": unshare,
	"setuid": setids, "setresuid": setids, "setreuid": setids,
	"setgid": setids, "setresgid": setids, "setregid": setids,
	"capset": capset, "setrlimit": setrlimit, "prlimit": setrlimit,
	"brk": (*State).memory, "mmap": (*State).memory, "mmap2": (*State).memory, "munmap": (*State).memory,
}

// enterHandlers are those for enter events.
var enterHandlers = map[string]func(*State){
	"connect": connectEnter,
	"sendto":  sendEnter,
}
