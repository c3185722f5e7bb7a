package kernel

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kmod"
)

// moduleState looks for the kernel module and its devices.
func moduleState() (loaded Support, device error) {
	if !kmod.Loaded() {
		return Missing, nil
	}
	return Present, unix.Access("/dev/"+kmod.Name+"0", unix.R_OK|unix.W_OK)
}

// kernelModule goes through what reading the module needs. Whether it emits the edition
// that is wanted only opening it tells.
func kernelModule(m *Machine) (why, change string) {
	switch {
	case m.GVisor:
		return "gVisor is not a Linux kernel and takes no modules", "use ptrace, which works there"
	case m.Module != Present:
		return "the kernel module " + kmod.Name + " is not loaded", "trace driver build kmod && trace driver load kmod"
	case m.PIDNS:
		return errPIDNS.Error(), m.hostPIDs()
	case errors.Is(m.ModuleDevice, unix.ENOENT):
		return "there is no /dev/" + kmod.Name + "0", "give trace the devices /dev/" + kmod.Name + "*"
	case m.ModuleDevice != nil:
		return "trace may not open /dev/" + kmod.Name + "0", "run trace as root"
	}
	return "", ""
}

// openModule starts to read the module.
func openModule(cfg Config) (Driver, error) {
	if leadsElsewhere("/proc/self/ns/pid", initPIDNS) {
		return nil, errPIDNS
	}
	d, err := kmod.Open(cfg)
	if err != nil {
		return nil, err // not a Driver that is nil inside
	}
	return d, nil
}
