package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

// oldOpenCases: calls that newer machines do without.
var oldOpenCases = []Case{
	{Name: "open", Does: "open and creat, with and without success", Run: openCase},
}

func openCase(p *Prog) {
	open := func(path string, flags int, names, enter string, mode, shown int) int64 {
		r := p.Call(unix.SYS_OPEN, path, flags, mode)
		dev, ino := p.statFD(r)
		p.State(S{Event: event.OpenX, V: V{
			"fd": r, "name": path, "flags": Names(names), "mode": shown, "dev": dev, "ino": ino,
		}, Enter: V{"flags": Names(enter)}})
		return r
	}
	open("new", unix.O_RDWR|unix.O_CREAT, "O_RDWR|O_CREAT|O_F_CREATED", "O_RDWR|O_CREAT", 0o644, 0o644)
	open("new", unix.O_RDONLY, "O_RDONLY", "O_RDONLY", 0o644, 0)
	open("/", unix.O_DIRECTORY, "O_RDONLY|O_DIRECTORY|O_TMPFILE", "O_RDONLY|O_DIRECTORY|O_TMPFILE", 0, 0)
	p.Fails(open("none", unix.O_WRONLY, "O_WRONLY", "O_WRONLY", 0, 0), unix.ENOENT)
	p.Fails(p.Do(event.OpenX, unix.SYS_OPEN, V{
		"name": nil, "flags": Names("O_RDONLY"), "mode": 0, "dev": 0, "ino": 0,
	}, nil, 0, 0), unix.EFAULT)

	creat := func(path any, name any, mode, shown int) int64 {
		r := p.Call(unix.SYS_CREAT, path, mode)
		dev, ino := p.statFD(r)
		p.State(S{Event: event.CreatX, V: V{
			"fd": r, "name": name, "mode": shown, "dev": dev, "ino": ino, "creat_flags": 0,
		}})
		return r
	}
	creat("made", "made", 0o177777, 0o7777)
	creat("made", "made", 0, 0)
	p.Fails(creat("none/made", "none/made", 0o600, 0o600), unix.ENOENT)
	p.Fails(creat(nil, nil, 0o600, 0o600), unix.EFAULT)
}

// creatOn makes a file in the upper layer of an overlay.
func (p *Prog) creatOn(path string, dev uint32) {
	r := p.Must(p.Call(unix.SYS_CREAT, path, 0o640))
	p.State(S{Event: event.CreatX, V: V{
		"fd": r, "name": path, "mode": 0o640, "dev": dev, "ino": p.kernelIno(r), "creat_flags": Names("FD_UPPER_LAYER_CREAT"),
	}})
}
