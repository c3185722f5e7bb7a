package procfs

import (
	"bytes"
	"fmt"
)

// ParseLimits takes the text of a limits file (fs/proc/base.c:proc_pid_limits)
// and returns the soft limit of open files; -1 is unlimited.
func ParseLimits(b []byte) (openFiles int64, err error) {
	const name = "Max open files"
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		if !bytes.HasPrefix(line, []byte(name)) {
			continue
		}
		soft, _ := cutField(line[len(name):])
		if string(soft) == "unlimited" {
			return -1, nil
		}
		if v, ok := number(soft, 10); ok {
			return int64(v), nil
		}
		break
	}
	return 0, fmt.Errorf("parse limits: %s: %w", name, errFormat)
}
