package kernel

import (
	"fmt"

	"github.com/cilium/ebpf/features"
)

// A Version is that of a kernel, as LINUX_VERSION_CODE has it.
type Version uint32

// version returns the Version of a release.
func version(major, minor uint32) Version { return Version(major<<16 | minor<<8) }

// String returns the first two numbers, which name a release.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v>>16, v>>8&0xff) }

// running returns the version of the kernel that we run on, 0 if it does not tell.
func running() Version {
	code, err := features.LinuxVersionCode()
	if err != nil {
		return 0
	}
	return Version(code)
}
