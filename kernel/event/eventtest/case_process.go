package eventtest

var taskCases = []Case{
	{Name: "fork", Does: "fork, vfork, clone, clone3, and how the children end", Program: "tasks", Args: []string{"processes"}},
	{Name: "fork/pidns", Does: "children in another PID namespace", Program: "tasks", Args: []string{"namespaces", "x"}, Root: true},
	{Name: "threads", Does: "threads and their ends", Program: "tasks", Args: []string{"threads"}},
	{Name: "exit/signals", Does: "processes that signals kill", Program: "tasks", Args: []string{"signals"}},
	{Name: "exit/orphans", Does: "processes that end before their children", Program: "tasks", Args: []string{"orphans"}},
}

var execCases = []Case{
	{Name: "exec/failures", Does: "execve and execveat that fail", Program: "exec", Args: []string{"failures"}},
	{Name: "exec/plain", Does: "a program with arguments and environment", Program: "exec", Args: []string{"plain"}},
	{Name: "exec/long", Does: "arguments and environment of more than 4096 bytes", Program: "exec", Args: []string{"long"}},
	{Name: "exec/script", Does: "a script", Program: "exec", Args: []string{"script"}},
	{Name: "exec/memfd", Does: "a program that is in no directory", Program: "exec", Args: []string{"memfd"}},
	{Name: "exec/deleted", Does: "a program that was deleted", Program: "exec", Args: []string{"deleted"}},
	{Name: "exec/relative", Does: "a path relative to a directory", Program: "exec", Args: []string{"relative"}},
	{Name: "exec/noargs", Does: "a program without arguments", Program: "exec", Args: []string{"noargs"}},
	{Name: "exec/upper", Does: "a program in the upper layer of an overlay", Program: "exec", Args: []string{"upper"}, Root: true},
	{Name: "exec/lower", Does: "a program in a lower layer of an overlay", Program: "exec", Args: []string{"lower"}, Root: true},
	{Name: "exec/nobody", Does: "a program of another user", Program: "exec", Args: []string{"nobody"}, Root: true},
	{Name: "exec/thread", Does: "a thread that is not the leader", Program: "exec", Args: []string{"thread"}},
}

var signalCases = []Case{
	{Name: "signals", Does: "signals and who sent them", Program: "signals"},
}
