package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

var waitCases = []Case{
	{Name: "poll", Does: "ppoll with lists of all sizes", Run: ppollCase},
	{Name: "wait", Does: "futexes, sleeping, epoll", Run: futexCase},
	{Name: "semaphores", Does: "System V semaphores", Run: semCase},
}

// A polled is one entry of a poll set: what is asked, what comes back, both in
// the kernel's bits and in the contract's.
type polled struct {
	fd                int32
	asked, came       uint16
	askedBits, portly int16
}

// fdlist is the contract's form of a poll set.
func fdlist(set []polled, after bool) []byte {
	b := le.AppendUint16(nil, uint16(len(set)))
	for _, e := range set {
		bits := e.askedBits
		if after {
			bits = e.portly
		}
		b = le.AppendUint64(b, uint64(int64(e.fd)))
		b = le.AppendUint16(b, uint16(bits))
	}
	return b
}

// shownAfter is what an exit event lists of a set: edition V036 leaves off where
// nothing came back.
func (p *Prog) shownAfter(set []polled) []byte {
	if p.Profile == spec.Current {
		return fdlist(set, true)
	}
	var some []polled
	for _, e := range set {
		if e.portly != 0 {
			some = append(some, e)
		}
	}
	return fdlist(some, true)
}

// pollfds lays a set out for the kernel.
func pollfds(set []polled) (b []byte) {
	for _, e := range set {
		b = le.AppendUint32(b, uint32(e.fd))
		b = le.AppendUint16(b, e.asked)
		b = le.AppendUint16(b, 0)
	}
	return b
}

// pollSet is a set of which three entries have something to tell.
func (p *Prog) pollSet() []polled {
	var pipe [2]int
	var file int64
	p.quiet(func() {
		file = p.file("file", nil)
		if err := unix.Pipe2(pipe[:], 0); err != nil {
			p.Failf("pipe: %v", err)
		}
	})
	const in, pri, out, err, hup, nval, rdnorm, rdband, wrnorm, wrband, rdhup = 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 0x2000
	return []polled{
		{int32(file), in | out | rdnorm | wrnorm, in | out | rdnorm | wrnorm, 1 | 4 | 128 | 512, 1 | 4 | 128 | 512},
		{int32(pipe[0]), in | pri | rdhup, 0, 1 | 2 | 8, 0},
		{int32(pipe[1]), in | out | rdband | wrband, out, 1 | 4 | 256 | 1024, 4},
		{-1, in, 0, 1, 0},
		{30000, in | err | hup, nval, 1 | 16 | 32, 64},
	}
}

func ppollCase(p *Prog) {
	set := p.pollSet()
	ts := p.Words(1, 500)
	do := func(fds any, n int, timeout uintptr, ns uint64, mask uintptr, shown uint32, before, after any) int64 {
		return p.DoAs(event.PpollX, unix.SYS_PPOLL, V{"fds": after, "timeout": ns, "sigmask": shown}, V{"fds": before},
			fds, n, timeout, mask, 8)
	}
	before, after := fdlist(set, false), p.shownAfter(set)
	// The kernel writes the time that is left back, and 0 where it is over.
	left := func() uint64 { return p.U64(ts)*1e9 + p.U64(ts+8) }
	r := p.Call(unix.SYS_PPOLL, pollfds(set), len(set), ts, p.Words(0xfeffffffff), 8)
	p.State(S{Event: event.PpollX, V: V{
		"res": r, "fds": after, "timeout": left(), "sigmask": ^uint32(0),
	}, Enter: V{"fds": before, "timeout": 1_000_000_500}})
	p.Must(do(pollfds(set), len(set), 0, 0, 0, 0, before, after))
	empty := []byte{0, 0}
	zero := p.Words(0, 0)
	p.Must(do(nil, 0, zero, 0, 0, 0, empty, empty))
	p.Fails(do(nil, 3, zero, 0, 0, 0, empty, empty), unix.EFAULT)
	p.Fails(do(p.Bad(), 3, zero, 0, 0, 0, empty, empty), unix.EFAULT)
	p.Fails(do(nil, 0, p.Bad(), 0, 0, 0, empty, empty), unix.EFAULT)
	p.Fails(do(nil, 0, zero, 0, p.Bad(), 0, empty, empty), unix.EFAULT)
	p.Fails(do(nil, 0, p.Words(0, 2e9), 2e9, 0, 0, empty, empty), unix.EINVAL)

	// More than the driver lists.
	many := make([]polled, 300)
	for i := range many {
		many[i] = polled{int32(20000 + i), 1, 32, 1, 64}
	}
	n := min(len(many), p.Limits.PollFDs)
	r = p.Must(p.Call(unix.SYS_PPOLL, pollfds(many), len(many), zero, 0, 8))
	p.State(S{Event: event.PpollX, V: V{
		"res": r, "fds": fdlist(many[:n], true), "timeout": 0, "sigmask": 0,
	}, Enter: V{"fds": fdlist(many[:n], false)}, Drops: true, NoEnter: p.Drops})
}

func futexCase(p *Prog) {
	word := p.Bytes([]byte{5, 0, 0, 0})
	futex := func(op int, name any, val uint64) int64 {
		return p.Do(event.FutexX, unix.SYS_FUTEX, V{"addr": uint64(word), "op": name, "val": val}, word, op, val, 0, 0, 0)
	}
	const wait, wake, waitBitset, private, realtime = 0, 1, 9, 128, 256
	p.Fails(futex(wait, Names("FUTEX_WAIT"), 77), unix.EAGAIN)
	p.Must(futex(wake|private, Names("FUTEX_WAKE|FUTEX_PRIVATE_FLAG"), 1<<33))
	p.Fails(futex(waitBitset|private|realtime, Names("FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME"), 0), unix.EINVAL)
	p.Fails(futex(99, 0, 0), unix.ENOSYS)
	p.Fails(p.Do(event.FutexX, unix.SYS_FUTEX, V{"addr": 1, "op": Names("FUTEX_WAKE"), "val": 3}, 1, wake, 3), unix.EINVAL)

	sleep := func(ts uintptr, ns uint64) int64 {
		return p.Do(event.NanosleepX, unix.SYS_NANOSLEEP, V{"interval": ns}, ts, 0)
	}
	p.Must(sleep(p.Words(0, 1234), 1234))
	p.Fails(sleep(p.Words(3, 5e9), 8e9), unix.EINVAL)
	p.Fails(sleep(0, 0), unix.EFAULT)
	p.Fails(sleep(p.Bad(), 0), unix.EFAULT)
	p.Generic("clock_nanosleep", 1, 0, p.Words(0, 100), 0)

	p.Generic("epoll_pwait", -1, p.Buf(64), 5, 0, 0, 8)
	p.Generic("sched_yield")
	p.Generic("getitimer", 0, p.Buf(32))
	p.Generic("timer_create", 1, nil, p.Buf(8))
	p.Generic("timerfd_settime", -1, 0, p.Buf(32), nil)
	p.Generic("pselect6", 0, nil, nil, nil, p.Words(0, 0), nil)
}

func semCase(p *Prog) {
	get := func(key, n, flags int, names any) int64 {
		return p.Do(event.SemgetX, unix.SYS_SEMGET, V{"key": key, "nsems": n, "semflg": names}, key, n, flags)
	}
	id := p.Must(get(0, 3, unix.IPC_CREAT|unix.IPC_EXCL|0o600, Names("IPC_CREAT|IPC_EXCL")))
	p.Fails(get(-0x123456, 1, 0o600, 0), unix.ENOENT)
	ctl := func(id int64, num, cmd int, name any, arg uint64, val int) int64 {
		return p.Do(event.SemctlX, unix.SYS_SEMCTL, V{"semid": id, "semnum": num, "cmd": name, "val": val}, id, num, cmd, arg)
	}
	const setval, getval = 16, 12
	p.Must(ctl(id, 1, setval, Names("SETVAL"), 1<<32|4, 4))
	p.Must(ctl(id, 1, getval, Names("GETVAL"), 9, 0))
	p.Fails(ctl(id, -1, 99, 0, 9, 0), unix.EINVAL)

	op := func(num, op, flags int) []byte {
		return le.AppendUint16(le.AppendUint16(le.AppendUint16(nil, uint16(num)), uint16(op)), uint16(flags))
	}
	shown := func(n int, a, b [3]any) V {
		return V{
			"semid": id, "nsops": n, "sem_num_0": a[0], "sem_op_0": a[1], "sem_flg_0": a[2],
			"sem_num_1": b[0], "sem_op_1": b[1], "sem_flg_1": b[2],
		}
	}
	none := [3]any{0, 0, 0}
	two := append(op(1, 1, unix.IPC_NOWAIT), op(2, 5, 0x1000)...)
	p.Must(p.Do(event.SemopX, unix.SYS_SEMOP, shown(2, [3]any{1, 1, Names("IPC_NOWAIT")}, [3]any{2, 5, Names("SEM_UNDO")}), id, two, 2))
	three := append(two[:12:12], op(1, -2, 0)...)
	p.Must(p.Do(event.SemopX, unix.SYS_SEMOP, shown(3, [3]any{1, 1, Names("IPC_NOWAIT")}, [3]any{2, 5, Names("SEM_UNDO")}), id, three, 3))
	p.Must(p.Do(event.SemopX, unix.SYS_SEMOP, shown(1, [3]any{1, -1, 0}, none), id, p.Edge(op(1, -1, 0)), 1))
	p.Fails(p.Do(event.SemopX, unix.SYS_SEMOP, shown(1, none, none), id, op(0, -1, unix.IPC_NOWAIT), 1), unix.EAGAIN)
	p.Fails(p.Do(event.SemopX, unix.SYS_SEMOP, shown(2, none, none), id, p.Bad(), 2), unix.EFAULT)
	p.Fails(p.Do(event.SemopX, unix.SYS_SEMOP, shown(0, none, none), id, two, 0), unix.EINVAL)
	p.Must(ctl(id, 0, 0, Names("IPC_RMID"), 0, 0))
	p.Generic("msgget", 0, 0o600)
	p.Generic("shmget", 0, 4096, 0o600)
}
