package eventtest

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// overlayCase: files of both layers, with the device of the overlay and the inode
// numbers of the kernel, of which stat(2) makes up others.
func overlayCase(p *Prog) {
	var dev uint32
	p.quiet(func() {
		p.Must(p.Call(unix.SYS_UNSHARE, unix.CLONE_NEWNS))
		p.Must(p.Call(unix.SYS_MOUNT, "none", "/", nil, unix.MS_REC|unix.MS_PRIVATE, nil))
		// The upper layer must be able to hold attributes: a tmpfs can.
		p.Must(p.Call(unix.SYS_MOUNT, "t", p.Dir, "tmpfs", 0, nil))
		p.Must(p.Call(unix.SYS_CHDIR, p.Dir))
		for _, name := range []string{"lower", "upper", "work", "merged"} {
			p.Must(p.Call(unix.SYS_MKDIRAT, atCWD, name, 0o755))
		}
		p.file("lower/below", []byte("1"))
		p.file("lower/copied", []byte("2"))
		p.file("upper/above", []byte("3"))
		options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", p.Dir)
		if p.Call(unix.SYS_MOUNT, "o", "merged", "overlay", 0, options) < 0 {
			p.Skip("no overlays here")
		}
		var st unix.Stat_t
		if err := unix.Stat("merged", &st); err != nil { // a directory has the overlay's own device
			p.Failf("stat: %v", err)
		}
		dev = encodeDev(uint64(st.Dev))
	})
	current := func(names string) string {
		if p.old() {
			names = strings.TrimSuffix(strings.TrimSuffix(names, "|FD_UPPER_LAYER"), "|FD_LOWER_LAYER")
		}
		return names
	}
	open := func(path string, flags int, enter, names string) {
		r := p.Must(p.Call(unix.SYS_OPENAT, atCWD, path, flags, 0o600))
		mode := 0
		if flags&unix.O_CREAT != 0 {
			mode = 0o600
		}
		p.State(S{Event: event.OpenatX, V: V{
			"fd": r, "dirfd": atCWD, "name": path, "flags": Names(current(names)), "mode": mode, "dev": dev, "ino": p.kernelIno(r),
		}, Enter: V{"flags": Names(enter)}})
	}
	open("merged/below", unix.O_RDONLY, "O_RDONLY", "O_RDONLY|FD_LOWER_LAYER")
	open("merged/above", unix.O_RDONLY, "O_RDONLY", "O_RDONLY|FD_UPPER_LAYER")
	open("merged/copied", unix.O_RDONLY, "O_RDONLY", "O_RDONLY|FD_LOWER_LAYER")
	// Opened for writing it is copied up.
	open("merged/copied", unix.O_WRONLY, "O_WRONLY", "O_WRONLY|FD_UPPER_LAYER")
	open("merged/copied", unix.O_RDONLY, "O_RDONLY", "O_RDONLY|FD_UPPER_LAYER")
	open("merged/new", unix.O_RDWR|unix.O_CREAT, "O_RDWR|O_CREAT", "O_RDWR|O_CREAT|O_F_CREATED|FD_UPPER_LAYER")
	p.openat("lower/below", unix.O_RDONLY, "O_RDONLY", 0, 0)
	p.creatOn("merged/creat", dev)
}

// kernelIno is the inode number of the file behind a descriptor as the kernel has
// it; Any if it does not tell, as before Linux 5.14.
func (p *Prog) kernelIno(fd int64) (ino any) {
	ino = Any
	p.quiet(func() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/thread-self/fdinfo/%d", fd))
		if err != nil {
			p.Failf("fdinfo: %v", err)
		}
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, "ino:"); ok {
				var n uint64
				fmt.Sscan(v, &n)
				ino = n
			}
		}
	})
	return ino
}
