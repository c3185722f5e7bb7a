package capture

import (
	"bytes"

	"github.com/lannerhq/lanner/internal/snapshot"
)

// head reads a block that is not an event: one of those that precede them, or
// one that this package does not know and passes over.
func (r *Reader) head() error {
	if r.headLeft -= int64(r.total); r.headLeft < 0 {
		return r.damage("more than %d bytes in front of the events", r.limits.Head)
	}
	switch r.kind {
	case identity:
		b, err := r.body(maxIdentity)
		r.identity = append([]byte(nil), b...)
		return err
	case machineInfo, oldMachineInfo:
		return r.parse(r.machine)
	case interfacesV1, oldInterfacesV1, interfacesV2:
		r.state.Interfaces = nil // a further list replaces the former
		return r.parse(r.interfaces)
	case usersV1, oldUsersV1, usersV2:
		r.state.Users, r.state.Groups = nil, nil
		return r.parse(r.users)
	case fdListV1, oldFDListV1, fdListV2:
		return r.parse(r.fds)
	}
	if v := r.kind.processVersion(); v != 0 {
		return r.parse(func(c *cursor) error { return r.processes(c, v) })
	}
	return r.skip()
}

func (r *Reader) parse(f func(*cursor) error) error {
	b, err := r.body(maxListBody)
	if err != nil {
		return err
	}
	c := cursor{b: b}
	return f(&c)
}

// more reports whether another entry follows: up to three bytes are padding.
func (c *cursor) more() bool { return c.left() >= 4 }

// entry takes the next entry of a list as a cursor of its own. Lists of the
// first versions do not say how long entries are: then the entry is the rest of
// the list and done must be told how much of it was used. own is the size of
// the length if that counts itself.
func (c *cursor) entry(sized bool, own int) (e cursor, done func(*cursor)) {
	if !sized {
		return cursor{b: c.b[c.off:]}, func(e *cursor) { c.off += e.off; c.short = c.short || e.short }
	}
	n := int(c.u32())
	if n < own {
		c.short = true
		c.off = len(c.b)
		return cursor{}, func(*cursor) {}
	}
	return c.sub(n - own), func(e *cursor) { c.short = c.short || e.short }
}

// broken is the error of a list whose entries do not fit.
func (r *Reader) broken(list string, c *cursor) error {
	return r.damage("%s: entry that ends behind byte %d does not fit", list, c.off)
}

func (r *Reader) machine(c *cursor) error {
	m := &r.state.Machine
	m.CPUs = c.u32()
	m.Memory, m.MaxPID = c.u64(), c.u64()
	host, _, _ := bytes.Cut(c.bytes(hostnameSize), []byte{0})
	m.Hostname = string(host)
	m.BootTime, m.Flags = c.u64(), c.u64()
	if c.short {
		return r.broken("machine info", c)
	}
	return nil
}

func (r *Reader) interfaces(c *cursor) error {
	for c.more() {
		if len(r.state.Interfaces) >= r.limits.Entries {
			return r.damage("more than %d interfaces", r.limits.Entries)
		}
		e, done := c.entry(r.kind == interfacesV2, 0)
		var i snapshot.Interface
		kind, name, size := e.u16(), int(e.u16()), 4
		switch kind {
		case ifaceIPv4, ifaceIPv4NoSpeed:
		case ifaceIPv6, ifaceIPv6NoSpeed:
			size = 16
		default:
			return r.damage("interface of kind %d", kind)
		}
		i.Addr, i.Mask, i.Broadcast = e.address(size), e.address(size), e.address(size)
		if kind == ifaceIPv4 || kind == ifaceIPv6 {
			i.LinkSpeed = e.u64()
		}
		i.Name = string(e.bytes(name))
		if done(&e); c.short {
			return r.broken("interface list", c)
		}
		r.state.Interfaces = append(r.state.Interfaces, i)
	}
	return nil
}

func (r *Reader) users(c *cursor) error {
	for c.more() {
		if len(r.state.Users)+len(r.state.Groups) >= r.limits.Entries {
			return r.damage("more than %d users and groups", r.limits.Entries)
		}
		e, done := c.entry(r.kind == usersV2, 4)
		if e.u8() == entryUser {
			u := snapshot.User{UID: e.u32(), GID: e.u32()}
			u.Name, u.Home, u.Shell = e.text(), e.text(), e.text()
			r.state.Users = append(r.state.Users, u)
		} else {
			r.state.Groups = append(r.state.Groups, snapshot.Group{GID: e.u32(), Name: e.text()})
		}
		if done(&e); c.short {
			return r.broken("user list", c)
		}
	}
	return nil
}
