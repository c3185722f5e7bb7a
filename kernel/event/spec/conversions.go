package spec

// Conversions turns arguments of system calls into the portable encoding.
var Conversions = []Conversion{
	{Name: "socket_family", Table: "socket_families", Mask: anyBit, Field: all, Default: 0},
	{
		Name:    "open_flags",
		Table:   "file_flags",
		Mask:    0x3,
		Field:   []string{"O_RDONLY", "O_WRONLY", "O_RDWR"},
		Default: 1,
		Bits:    []string{"O_CREAT", "O_TMPFILE", "O_APPEND", "O_DSYNC", "O_EXCL", "O_NONBLOCK", "O_SYNC", "O_TRUNC", "O_DIRECT", "O_DIRECTORY", "O_LARGEFILE", "O_CLOEXEC"},
	},
	{Name: "fd_flags", Table: "file_flags", Bits: []string{"O_NONBLOCK", "O_CLOEXEC"}},
	{Name: "eventfd_flags", Table: "file_flags", Bits: []string{"O_NONBLOCK", "O_CLOEXEC"}, NonNegative: true}, // and inotify, signalfd
	{Name: "pipe2_flags", Table: "file_flags", Bits: []string{"O_NONBLOCK", "O_CLOEXEC", "O_DIRECT"}, NonNegative: true},
	{Name: "dup3_flags", Table: "file_flags", Bits: []string{"O_CLOEXEC"}},
	{Name: "flock_flags", Table: "flock_flags", Bits: all},
	{Name: "clone_flags", Table: "clone_flags", Bits: all},
	{
		Name:  "futex_op",
		Table: "futex_operations",
		Mask:  0x7f,
		Field: []string{"FUTEX_WAIT", "FUTEX_WAKE", "FUTEX_FD", "FUTEX_REQUEUE", "FUTEX_CMP_REQUEUE", "FUTEX_WAKE_OP", "FUTEX_LOCK_PI", "FUTEX_UNLOCK_PI", "FUTEX_TRYLOCK_PI", "FUTEX_WAIT_BITSET", "FUTEX_WAKE_BITSET", "FUTEX_WAIT_REQUEUE_PI", "FUTEX_CMP_REQUEUE_PI"},
		Bits:  []string{"FUTEX_PRIVATE_FLAG", "FUTEX_CLOCK_REALTIME"},
	},
	{Name: "lseek_whence", Table: "lseek_whence", Mask: anyBit, Field: all},
	{Name: "poll_events", Table: "poll_flags", Bits: all},
	{Name: "umount_flags", Table: "umount_flags", Bits: all},
	{Name: "shutdown_how", Table: "shutdown_how", Mask: anyBit, Field: all, Default: 65535},
	{Name: "rlimit_resource", Table: "rlimit_resources", Mask: anyBit, Field: all, Default: 255},
	{Name: "fcntl_cmd", Table: "fcntl_commands", Mask: anyBit, Field: all},
	{Name: "sockopt_level", Table: "sockopt_levels", Mask: anyBit, Field: all},
	{
		Name:  "sockopt_optname",
		Table: "sockopt_options",
		Mask:  anyBit,
		Field: all,
		Also:  []Alias{{66, "SO_RCVTIMEO"}, {67, "SO_SNDTIMEO"}}, // SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW
	},
	{Name: "ptrace_request", Table: "ptrace_requests", Mask: anyBit, Field: all},
	{Name: "prot_flags", Table: "prot_flags", Bits: all},
	{Name: "mmap_flags", Table: "mmap_flags", Bits: all},
	{Name: "splice_flags", Table: "splice_flags", Bits: all},
	{Name: "quotactl_cmd", Table: "quotactl_cmds", Mask: anyBit, Field: all},
	{Name: "quotactl_type", Table: "quotactl_types", Mask: anyBit, Field: all},
	{Name: "quotactl_fmt", Table: "quotactl_quota_fmts", Mask: anyBit, Field: all, Default: 1},
	{Name: "dqi_flags", Table: "quotactl_dqi_flags", Bits: all},
	{Name: "semop_flags", Table: "semop_flags", Bits: all},
	{Name: "semget_flags", Table: "semget_flags", Bits: all},
	{Name: "semctl_cmd", Table: "semctl_commands", Mask: anyBit, Field: all},
	{Name: "access_flags", Table: "access_flags", Bits: all},
	{Name: "unlinkat_flags", Table: "unlinkat_flags", Bits: all},
	{Name: "linkat_flags", Table: "linkat_flags", Bits: all},
	{Name: "newfstatat_flags", Table: "newfstatat_flags", Bits: all},
	{Name: "fchownat_flags", Table: "fchownat_flags", Bits: all},
	{Name: "chmod_mode", Table: "chmod_mode", Bits: all},
	{
		Name:  "mknod_mode",
		Table: "mknod_mode",
		Mask:  0xf000,
		Field: []string{"S_IFREG", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"},
		Also:  []Alias{{0, "S_IFREG"}},
		Bits:  []string{"S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP", "S_IWGRP", "S_IRGRP", "S_IXUSR", "S_IWUSR", "S_IRUSR", "S_ISVTX", "S_ISGID", "S_ISUID"},
	},
	{Name: "openat2_resolve", Table: "openat2_flags", Bits: all},
	{Name: "execveat_flags", Table: "execveat_flags", Bits: all},
	{Name: "io_uring_setup_flags", Table: "io_uring_setup_flags", Bits: all},
	{Name: "io_uring_features", Table: "io_uring_setup_feats", Bits: all},
	{Name: "io_uring_enter_flags", Table: "io_uring_enter_flags", Bits: all},
	{Name: "mlockall_flags", Table: "mlockall_flags", Bits: all},
	{Name: "mlock2_flags", Table: "mlock2_flags", Bits: all},
	{Name: "epoll_create1_flags", Table: "epoll_create1_flags", Bits: all},
	{Name: "memfd_create_flags", Table: "memfd_create_flags", Bits: all},
	{Name: "pidfd_open_flags", Table: "pidfd_open_flags", Bits: all},
	{Name: "delete_module_flags", Table: "delete_module_flags", Bits: all},
	{Name: "close_range_flags", Table: "close_range_flags", Bits: all},
	{Name: "finit_module_flags", Table: "finit_module_flags", Bits: all},
}

// anyBit is the mask of an enumeration, an int for the kernel, whatever a register
// holds above it; all stands for every value of the table that the kernel knows.
const anyBit = 1<<32 - 1

var all = []string{"*"}
