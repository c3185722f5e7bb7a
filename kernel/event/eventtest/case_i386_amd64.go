package eventtest

// i386Cases: calls of the 32-bit ABI, which edition Current translates to those of
// the same name. They are skipped where the kernel runs no such programs.
var i386Cases = []Case{
	{Name: "i386", Does: "numbers and structures of the 32-bit ABI", Program: "i386", Args: []string{"files"}, ABI: "i386"},
	{Name: "i386/sockets", Does: "socketcall", Program: "i386", Args: []string{"sockets"}, ABI: "i386"},
	{Name: "i386/fork", Does: "tasks of 32 bits", Program: "tasks", Args: []string{"processes"}, ABI: "i386"},
	{Name: "i386/failures", Does: "execve with 32-bit pointers", Program: "exec", Args: []string{"failures"}, ABI: "i386"},
	{Name: "i386/exec", Does: "a program of 32 bits", Program: "exec", Args: []string{"plain"}, ABI: "i386"},
	{Name: "i386/signals", Does: "signals of a program of 32 bits", Program: "signals", ABI: "i386"},
}
