package capture

import (
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// The longest strings that readers take: bytes. They have one more for a NUL.
const (
	maxPath       = 1023 // SCAP_MAX_PATH_SIZE, less one: most readers compare with >=
	maxList       = 4095 // SCAP_MAX_ARGS_SIZE, SCAP_MAX_ENV_SIZE, SCAP_MAX_CGROUPS_SIZE
	maxCredential = 255  // MAX_CREDENTIALS_STR_LEN
)

// listBlock is the size at which a process or descriptor list goes on in
// another block, which readers allow for these.
const listBlock = 1 << 20

func (w *Writer) section() {
	w.begin(sectionHeader)
	w.u32(byteOrderMagic)
	w.u16(majorVersion)
	w.u16(minorVersion)
	w.u64(unknownLength)
	w.end()
}

func (w *Writer) machine(m *snapshot.Machine) {
	w.begin(machineInfo)
	w.u32(m.CPUs)
	w.u64(m.Memory)
	w.u64(m.MaxPID)
	var host [hostnameSize]byte
	copy(host[:hostnameSize-1], m.Hostname)
	w.buf = append(w.buf, host[:]...)
	w.u64(m.BootTime)
	w.u64(m.Flags)
	w.u64(0) // reserved
	w.u64(0)
	w.end()
}

func (w *Writer) interfaces(list []snapshot.Interface) {
	w.begin(interfacesV2)
	for i := range list {
		e := &list[i]
		size := len(e.Addr)
		if size != 4 && size != 16 {
			continue
		}
		at := len(w.buf)
		w.u32(0)
		if size == 4 {
			w.u16(ifaceIPv4)
		} else {
			w.u16(ifaceIPv6)
		}
		name := e.Name[:min(len(e.Name), maxPath)]
		w.u16(uint16(len(name)))
		w.address(e.Addr, size)
		w.address(e.Mask, size)
		w.address(e.Broadcast, size)
		w.u64(e.LinkSpeed)
		w.buf = append(w.buf, name...)
		// Of all lists only this one's entries do not count their length.
		order.PutUint32(w.buf[at:], uint32(len(w.buf)-at-4))
	}
	w.end()
}

// address appends exactly size bytes: zeros where the address is missing.
func (w *Writer) address(a []byte, size int) {
	if len(a) != size {
		a = make([]byte, size)
	}
	w.buf = append(w.buf, a...)
}

func (w *Writer) users(users []snapshot.User, groups []snapshot.Group) {
	w.begin(usersV2)
	for i := range users {
		u := &users[i]
		end := w.entry()
		w.u8(entryUser)
		w.u32(u.UID)
		w.u32(u.GID)
		w.text(u.Name, maxCredential)
		w.text(u.Home, maxCredential)
		w.text(u.Shell, maxCredential)
		end()
	}
	for i := range groups {
		end := w.entry()
		w.u8(entryGroup)
		w.u32(groups[i].GID)
		w.text(groups[i].Name, maxCredential)
		end()
	}
	w.end()
}

func (w *Writer) processes(list []snapshot.Thread) {
	w.begin(processV9)
	for i := range list {
		if len(w.buf)-w.start > listBlock {
			w.end()
			w.begin(processV9)
		}
		w.process(&list[i])
	}
	w.end()
}

func (w *Writer) process(t *snapshot.Thread) {
	end := w.entry()
	w.u64(uint64(t.TID))
	w.u64(uint64(t.PID))
	w.u64(uint64(t.PTID))
	w.u64(uint64(t.SID))
	w.u64(uint64(t.VPGID))
	w.text(t.Comm, maxPath)
	w.text(t.Exe, maxPath)
	w.text(t.ExePath, maxPath)
	w.list(t.Args, maxList)
	w.text(t.CWD, maxPath)
	w.u64(uint64(t.FDLimit))
	w.u32(t.Flags)
	w.u32(t.UID)
	w.u32(t.GID)
	w.u32(t.VMSize)
	w.u32(t.VMRSS)
	w.u32(t.VMSwap)
	w.u64(t.MajFault)
	w.u64(t.MinFault)
	w.list(t.Env, maxList)
	w.u64(uint64(t.VTID))
	w.u64(uint64(t.VPID))
	w.list(t.Cgroups, maxList)
	w.text(t.Root, maxPath)
	w.tail(t)
	end()
}

// tail appends what was added to the entries without a new version. libs 0.10
// put two fields in front of those that were there, so that its readers tell
// the two forms apart by the length of what is left, and older ones (Debian's
// sysdig 0.29.3) take the new form for garbage. The short form is right for
// both: edition V036 has that, and does without the fields that it lacks.
func (w *Writer) tail(t *snapshot.Thread) {
	short := w.opts.Profile == spec.V036
	if !short {
		w.u64(t.PIDNSInitStart)
		w.u32(t.TTY)
	}
	w.u32(t.LoginUID)
	w.flag(t.ExeWritable)
	w.u64(t.CapInh)
	w.u64(t.CapPrm)
	w.u64(t.CapEff)
	if short {
		return
	}
	w.flag(t.ExeUpperLayer)
	w.u64(t.ExeIno)
	w.u64(t.ExeCTime)
	w.u64(t.ExeMTime)
	w.flag(t.ExeMemfd)
	w.flag(t.ExeLowerLayer)
	w.u64(uint64(t.PGID))
}

func (w *Writer) flag(set bool) {
	if set {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

// fds writes the descriptors of a thread, if it has any.
func (w *Writer) fds(t *snapshot.Thread) {
	if len(t.FDs) == 0 {
		return
	}
	w.begin(fdListV2)
	w.u64(uint64(t.TID))
	for i := range t.FDs {
		if len(w.buf)-w.start > listBlock {
			w.end()
			w.begin(fdListV2)
			w.u64(uint64(t.TID))
		}
		w.fd(&t.FDs[i])
	}
	w.end()
}

func (w *Writer) fd(fd *snapshot.FD) {
	kind := fd.Type
	if kind == snapshot.FDUnknown || w.opts.Profile == spec.V036 && kind > maxFDType036 {
		kind = snapshot.FDUnsupported
	}
	end := w.entry()
	w.u64(uint64(fd.FD))
	w.u64(fd.Ino)
	w.u8(uint8(kind))
	switch kind {
	case snapshot.FDIPv4Sock:
		w.pair(fd, 4)
	case snapshot.FDIPv6Sock:
		w.pair(fd, 16)
	case snapshot.FDIPv4Server:
		w.server(fd, 4)
	case snapshot.FDIPv6Server:
		w.server(fd, 16)
	case snapshot.FDUnixSock:
		w.u64(fd.SrcPtr)
		w.u64(fd.DstPtr)
		w.text(fd.Name, maxPath)
	case snapshot.FDFileV2:
		w.u32(fd.Flags)
		w.text(fd.Name, maxPath)
		w.u32(fd.Dev)
	default:
		w.text(fd.Name, maxPath)
	}
	end()
}

func (w *Writer) pair(fd *snapshot.FD, size int) {
	w.address(fd.SrcIP, size)
	w.address(fd.DstIP, size)
	w.u16(fd.SrcPort)
	w.u16(fd.DstPort)
	w.u8(uint8(fd.Proto))
}

func (w *Writer) server(fd *snapshot.FD, size int) {
	w.address(fd.SrcIP, size)
	w.u16(fd.SrcPort)
	w.u8(uint8(fd.Proto))
}

// maxFDType036 is the last kind that every reader of edition V036 knows: Debian's
// sysdig 0.29.3 refuses a file with a later one.
const maxFDType036 = snapshot.FDFileV2
