package procfs

import (
	"bytes"
	"net"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// memory returns the size of the machine's memory in bytes, 0 if unknown.
func memory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// interfaces returns the addresses of this network namespace's interfaces.
func interfaces() []snapshot.Interface {
	var out []snapshot.Interface
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for i := range list {
		addrs, err := list[i].Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			e := snapshot.Interface{Name: list[i].Name, Addr: n.IP, Mask: n.Mask}
			if v4 := n.IP.To4(); v4 != nil {
				e.Addr = v4
			}
			e.Broadcast = broadcast(e.Addr, e.Mask, list[i].Flags)
			out = append(out, e)
		}
	}
	return out
}

// broadcast returns the address with all host bits set, which is what every
// tool configures; zeros where there is no broadcasting.
func broadcast(addr, mask []byte, flags net.Flags) []byte {
	out := make([]byte, len(addr))
	if len(addr) == 4 && len(mask) == 4 && flags&net.FlagBroadcast != 0 {
		for i := range out {
			out[i] = addr[i] | ^mask[i]
		}
	}
	return out
}

// users returns the entries of the local user database.
func users() []snapshot.User {
	var out []snapshot.User
	for f := range database("/etc/passwd", 7) {
		uid, ok1 := number(f[2], 10)
		gid, ok2 := number(f[3], 10)
		if ok1 && ok2 {
			out = append(out, snapshot.User{UID: uint32(uid), GID: uint32(gid), Name: string(f[0]), Home: string(f[5]), Shell: string(f[6])})
		}
	}
	return out
}

// groups returns the entries of the local group database.
func groups() []snapshot.Group {
	var out []snapshot.Group
	for f := range database("/etc/group", 4) {
		if gid, ok := number(f[2], 10); ok {
			out = append(out, snapshot.Group{GID: uint32(gid), Name: string(f[0])})
		}
	}
	return out
}

// database yields the lines of passwd(5) or group(5) that have n fields.
func database(name string, n int) func(yield func([][]byte) bool) {
	return func(yield func([][]byte) bool) {
		text, _ := readFile(name, maxTable) // a container may have none
		for line := range bytes.Lines(text) {
			fields := bytes.Split(bytes.TrimRight(line, "\n"), []byte(":"))
			if len(fields) == n && !yield(fields) {
				return
			}
		}
	}
}
