package ptrace

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// A mounted is what is remembered of a mount that tracees open files on. The
// contract has the device and inode number of the kernel's file, and stat(2) makes
// up others on overlay and btrfs: the device is looked up by the mount, and on an
// overlay the inode number comes from fdinfo.
type mounted struct {
	procfs.Mount
	known   bool // it is in the process's table: else it is one of the kernel's own
	odd     bool // files on it do not have its device
	overlay bool
	read    uint64 // ns since the epoch
}

// mountAge is how long an overlay mount is believed to be the same. Other mounts
// give themselves away by their device when their number is taken again.
const mountAge = uint64(time.Second)

// mountMax bounds the mounts that are remembered.
const mountMax = 4096

// mountOf returns the mount of a file that statx was asked for STATX_MNT_ID
// (Linux 5.8), nil if that is not known.
func (d *Driver) mountOf(p *process, st *unix.Statx_t) *mounted {
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return nil
	}
	dev := procfs.EncodeDev(st.Dev_major, st.Dev_minor)
	if m := d.mounts[st.Mnt_id]; m != nil {
		switch {
		case m.overlay:
			if d.now-m.read < mountAge {
				return m
			}
		case !m.known || m.odd || m.Dev == dev:
			return m
		}
	}
	d.readMounts(p)
	m := d.mounts[st.Mnt_id]
	if m == nil {
		m = new(mounted)
		d.mounts[st.Mnt_id] = m
	}
	m.odd = m.known && m.Dev != dev
	return m
}

// readMounts takes over the mounts that a process sees.
func (d *Driver) readMounts(p *process) {
	if d.mounts == nil || len(d.mounts) > mountMax {
		d.mounts = make(map[uint64]*mounted)
	}
	var text []byte
	readAll(p.dir, fileMountinfo, &text)
	list, _ := procfs.ParseMountinfo(text) // what could be parsed counts
	for _, m := range list {
		d.mounts[uint64(m.ID)] = &mounted{Mount: m, known: true, overlay: m.Type == "overlay", read: d.now}
	}
}

// asKernel puts the kernel's inode number into what is known of a file.
func (c *call) asKernel(fd int64) {
	if c.mount = c.mountOf(c.t.proc, &c.file); c.mount == nil || !c.mount.overlay {
		return
	}
	if ino := c.kernelIno(c.t.proc, c.fdinfoName(c.t, fd)); ino != 0 {
		c.file.Ino = ino
	}
}

// deviceOf returns the device of a file that was just looked at.
func (c *call) deviceOf(st *unix.Statx_t) uint32 {
	if c.mount != nil && c.mount.known && st.Ino != 0 {
		return c.mount.Dev
	}
	return procfs.EncodeDev(st.Dev_major, st.Dev_minor)
}

// A layer is where a file on an overlay lies.
type layer uint8

const (
	noOverlay layer = iota
	upper
	lower
)

// layerOf tells the layer of a file by its path as the kernel names it.
func (d *Driver) layerOf(p *process, m *mounted, path string, st *unix.Statx_t) layer {
	if m == nil || !m.overlay {
		return noOverlay
	}
	in, sure := m.InUpper("/proc/"+strconv.Itoa(p.pid), path)
	if !sure {
		if d.boot == 0 {
			d.boot = procfs.BootTime()
		}
		ctime := uint64(st.Ctime.Sec)*1e9 + uint64(st.Ctime.Nsec)
		in = procfs.MadeSince(ctime, d.boot+p.nsInit)
	}
	if in {
		return upper
	}
	return lower
}

// layer tells the layer of the file behind a descriptor that was just opened.
func (c *call) layer(fd int64) layer {
	st := c.opened(fd)
	if c.mount == nil || !c.mount.overlay {
		return noOverlay
	}
	n, e := c.t.proc.link(c.fdName(c.t, fd), c.path[:maxString-1])
	if e != 0 {
		return noOverlay
	}
	return c.layerOf(c.t.proc, c.mount, string(c.path[:n]), st)
}

// kernelIno returns the kernel's inode number of a descriptor (Linux 5.14).
func (d *Driver) kernelIno(p *process, name []byte) uint64 {
	var info procfs.FDInfo
	if procfs.ParseFDInfo(p.file(name, d.buf[:]), &info) != nil {
		return 0
	}
	return info.Ino
}

// fdinfoName names what the kernel says of a descriptor, as fdName does.
func (d *Driver) fdinfoName(t *thread, fd int64) []byte {
	d.name = append(strconv.AppendInt(append(d.name[:0], "task/"...), int64(t.tid), 10), "/fdinfo/"...)
	d.name = append(strconv.AppendInt(d.name, fd, 10), 0)
	return d.name
}
