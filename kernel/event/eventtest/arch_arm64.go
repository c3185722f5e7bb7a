package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

const (
	machine = spec.Arm64

	sysFstatat  = unix.SYS_FSTATAT
	sysRenameat = unix.SYS_RENAMEAT
)
