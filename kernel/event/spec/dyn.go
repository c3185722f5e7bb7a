package spec

// DynTables lists what Dyn parameters may hold.
var DynTables = []DynTable{
	{"sockopt", []DynEntry{
		{"sockopt_unknown", Bytes, Hex},
		{"sockopt_errno", Errno, Dec},
		{"sockopt_uint32", Uint32, Dec},
		{"sockopt_uint64", Uint64, Dec},
		{"sockopt_timeval", RelTime, Dec},
	}},
	{"ptrace", []DynEntry{
		{"ptrace_uint64", Uint64, Hex},
		{"ptrace_sigtype", Signal, Dec},
	}},
	{"bpf", []DynEntry{
		{"bpf_fd", FD, Dec},
		{"bpf_res", Errno, Dec},
	}},
	{"keyctl", []DynEntry{
		{"keyctl_int64", Int64, Dec},
		{"keyctl_charbuf", String, NA},
	}},
}
