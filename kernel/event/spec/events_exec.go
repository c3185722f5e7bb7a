package spec

// execEvents: programs started and processes made.
var execEvents = []Event{
	ev(222, "CloneE", "clone", OfSyscall|Process, ModifiesState|OldVersion, V036).loss(LossCloneForkEnter),
	ev(223, "CloneX", "clone", OfSyscall|Process, ModifiesState|ConverterManaged, Both, cloneParams...).filler("clone_x").loss(LossCloneForkExit),
	ev(224, "ForkE", "fork", OfSyscall|Process, ModifiesState|OldVersion, V036).loss(LossCloneForkEnter),
	ev(225, "ForkX", "fork", OfSyscall|Process, ModifiesState|ConverterManaged, Both, cloneParams...).filler("fork_x").loss(LossCloneForkExit),
	ev(226, "VforkE", "vfork", OfSyscall|Process, ModifiesState|OldVersion, V036).loss(LossCloneForkEnter),
	ev(227, "VforkX", "vfork", OfSyscall|Process, ModifiesState|ConverterManaged, Both, cloneParams...).filler("vfork_x").loss(LossCloneForkExit),
	ev(292, "ExecveE", "execve", OfSyscall|Process, ModifiesState|OldVersion|ConverterManaged, V036,
		p("filename", Path, NA, str(0)),
	).loss(LossExecveEnter),
	ev(293, "ExecveX", "execve", OfSyscall|Process, ModifiesState|ConverterManaged, Both,
		append(execParams[:len(execParams):len(execParams)], v("filename", Path, NA).later())...,
	).filler("execve_x").loss(LossExecveExit),
	ev(330, "ExecveatE", "execveat", OfSyscall|Process, ModifiesState|OldVersion|ConverterManaged, V036,
		p("dirfd", FD, Dec, s32(0)), p("pathname", RelPath, NA, str(1)).rel(1),
		p("flags", Flags32, Hex, conv("execveat_flags", 4)).table("execveat_flags"),
	).loss(LossExecveEnter),
	ev(331, "ExecveatX", "execveat", OfSyscall|Process, ModifiesState|ConverterManaged, Both, execParams...).filler("execveat_x").loss(LossExecveExit),
	ev(334, "Clone3E", "clone3", OfSyscall|Process, ModifiesState|OldVersion, V036).loss(LossCloneForkEnter),
	ev(335, "Clone3X", "clone3", OfSyscall|Process, ModifiesState|ConverterManaged, Both, cloneParams...).filler("clone3_x").loss(LossCloneForkExit),
}

// cloneParams are those of all calls that make a process or thread.
var cloneParams = []Param{
	v("res", PID, Dec), v("exe", String, NA), v("args", Bytes, NA), v("tid", PID, Dec), v("pid", PID, Dec),
	v("ptid", PID, Dec), v("cwd", String, NA), v("fdlimit", Int64, Dec), v("pgft_maj", Uint64, Dec),
	v("pgft_min", Uint64, Dec), v("vm_size", Uint32, Dec), v("vm_rss", Uint32, Dec), v("vm_swap", Uint32, Dec),
	v("comm", String, NA), v("cgroups", Bytes, NA), v("flags", Flags32, Hex).table("clone_flags"),
	v("uid", Uint32, Dec), v("gid", Uint32, Dec), v("vtid", PID, Dec), v("vpid", PID, Dec),
	v("pidns_init_start_ts", Uint64, Dec),
}

// execParams are those of execve and execveat.
var execParams = []Param{
	v("res", Errno, Dec), v("exe", String, NA), v("args", Bytes, NA), v("tid", PID, Dec), v("pid", PID, Dec),
	v("ptid", PID, Dec), v("cwd", String, NA), v("fdlimit", Uint64, Dec), v("pgft_maj", Uint64, Dec),
	v("pgft_min", Uint64, Dec), v("vm_size", Uint32, Dec), v("vm_rss", Uint32, Dec), v("vm_swap", Uint32, Dec),
	v("comm", String, NA), v("cgroups", Bytes, NA), v("env", Bytes, NA), v("tty", Uint32, Dec),
	v("vpgid", PID, Dec), v("loginuid", UID, Dec), v("flags", Flags32, Hex).table("execve_flags"),
	v("cap_inheritable", Uint64, Hex), v("cap_permitted", Uint64, Hex), v("cap_effective", Uint64, Hex),
	v("exe_ino", Uint64, Dec), v("exe_ino_ctime", AbsTime, Dec), v("exe_ino_mtime", AbsTime, Dec),
	v("uid", UID, Dec), v("trusted_exepath", Path, NA), v("pgid", PID, NA).later(), v("gid", GID, Dec).later(),
}
