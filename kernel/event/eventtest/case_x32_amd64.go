package eventtest

// x32Cases: calls of the x32 ABI, which are decoded as those of the same name.
// Debian's kernels run such programs if their command line says syscall.x32=y.
var x32Cases = []Case{
	{Name: "x32", Does: "numbers and structures of the x32 ABI", Program: "x32", ABI: "x32"},
	{Name: "x32/fork", Does: "tasks of the x32 ABI", Program: "tasks", Args: []string{"processes"}, ABI: "x32"},
	{Name: "x32/failures", Does: "execve with 32-bit pointers", Program: "exec", Args: []string{"failures"}, ABI: "x32"},
	{Name: "x32/exec", Does: "a program of the x32 ABI", Program: "exec", Args: []string{"plain"}, ABI: "x32"},
	{Name: "x32/signals", Does: "signals of a program of the x32 ABI", Program: "signals", ABI: "x32"},
}
