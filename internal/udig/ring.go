package udig

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Stats counts events by what became of them.
type Stats struct {
	Written    uint64
	NoConsumer uint64 // nobody read the ring
	Stopped    uint64 // its reader had stopped it
	NoRoom     uint64 // its reader was too slow
	Locked     uint64 // another producer did not let go of the lock
	TooLong    uint64 // longer than 64 KiB
	Unknown    uint64 // of types that readers of this layout do not know
	Broken     uint64 // positions in the ring made no sense, or the ring was gone
}

// Lost returns how many events did not reach a reader that was there.
func (s Stats) Lost() uint64 { return s.NoRoom + s.Locked + s.TooLong + s.Broken }

// A Ring is the ring, for a producer.
type Ring struct {
	layout     Layout
	buf, descs *segment
	lock       lock
	stats      Stats
	kinds      []int  // of drops, by type
	scratch    []byte // an event that is changed
	broken     error  // why nothing more is written
}

// Open joins the ring, or creates it. dir is Dir, but for tests.
func Open(dir string, l Layout) (*Ring, error) {
	r := &Ring{layout: l}
	var err error
	if r.buf, err = openSegment(dir, bufName, ringSize, fitsRing); err != nil {
		return nil, err
	}
	if r.descs, err = openSegment(dir, descsName, int64(l.size()), l.fits); err != nil {
		r.buf.close()
		return nil, err
	}
	r.kinds = make([]int, len(spec.Events))
	for t := range r.kinds {
		r.kinds[t] = l.kindOf(event.Type(t))
	}
	err = r.guard(func() error {
		if atomic.CompareAndSwapInt32(r.status32(offInit), 0, 1) {
			atomic.StoreUint64(r.status64(offLock), 0)
			atomic.StoreInt32(r.status32(offPID), 0)
			atomic.StoreInt32(r.status32(offStopped), 0)
		}
		return r.lock.join(r.descs.f, r.status64(offLock))
	})
	if err != nil {
		r.close()
		return nil, fmt.Errorf("%s: %w", r.descs.name, err)
	}
	return r, nil
}

// errGone is what it means that memory of a segment cannot be used.
var errGone = errors.New("the ring is gone: somebody cut its file")

// guard calls f, which uses the segments. Memory behind the end of a file that was cut
// is a bus error, which would end the program, and the workload with it.
func (r *Ring) guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if p := recover(); p != nil {
			if _, fault := p.(interface{ Addr() uintptr }); !fault {
				panic(p)
			}
			err = errGone
		}
	}()
	return f()
}

// info32 and status32 return words of udig_descs. Their offsets are multiples of their
// size, and the segment has been checked to be large enough.
func (r *Ring) info32(off int) *uint32 { return (*uint32)(unsafe.Pointer(&r.descs.mem[off])) }
func (r *Ring) info64(off int) *uint64 { return (*uint64)(unsafe.Pointer(&r.descs.mem[off])) }
func (r *Ring) status32(off int) *int32 {
	return (*int32)(unsafe.Pointer(&r.descs.mem[r.layout.info+off]))
}
func (r *Ring) status64(off int) *uint64 {
	return (*uint64)(unsafe.Pointer(&r.descs.mem[r.layout.info+off]))
}

// Consumer returns the process id of the consumer, as it knows itself, 0 for none.
func (r *Ring) Consumer() (pid int) {
	_ = r.guard(func() error { pid = int(atomic.LoadInt32(r.status32(offPID))); return nil })
	return pid
}

// Reading reports whether there is a consumer that takes events.
func (r *Ring) Reading() (yes bool) {
	_ = r.guard(func() error {
		yes = atomic.LoadInt32(r.status32(offPID)) != 0 && atomic.LoadInt32(r.status32(offStopped)) == 0
		return nil
	})
	return yes
}

// Wait waits until there is a consumer that takes events, at most for d.
func (r *Ring) Wait(d time.Duration) error {
	for end := time.Now().Add(d); !r.Reading(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("nobody read %s within %v", r.buf.name, d)
		}
	}
	return nil
}

// maxEvent is the length of the longest event that the module passes on: bytes.
const maxEvent = 1<<16 - 1

// Write puts an event into the ring, or counts it. An error says that the ring is gone;
// there is no other.
func (r *Ring) Write(ev *event.Event) error {
	data, t := ev.Bytes(), ev.Type()
	switch {
	case r.broken != nil:
		r.stats.Broken++
		return r.broken
	case t >= r.layout.types:
		r.stats.Unknown++
		return nil
	case len(data) > maxEvent:
		r.stats.TooLong++
		return nil
	}
	if r.layout.old {
		data = r.known(ev)
	}
	r.broken = r.guard(func() error { r.put(data, t); return nil })
	if r.broken != nil {
		r.stats.Broken++
	}
	return r.broken
}

// put writes an event if somebody reads.
func (r *Ring) put(data []byte, t event.Type) {
	if !r.wanted() {
		return
	}
	if !r.lock.take() {
		r.stats.Locked++
		return
	}
	defer r.lock.release()
	if !r.wanted() { // a consumer that begins resets the positions
		return
	}
	size := uint32(len(r.buf.mem))
	head, tail := atomic.LoadUint32(r.info32(offHead)), atomic.LoadUint32(r.info32(offTail))
	atomic.AddUint64(r.info64(offEvts), 1)
	switch {
	case head >= size || tail >= size:
		r.stats.Broken++
		return
	case uint32(len(data)) > (tail-head-1)&(size-1):
		r.drop(t)
		return
	}
	n := copy(r.buf.mem[head:], data)
	copy(r.buf.mem, data[n:])
	if !r.lock.held() { // somebody took us for dead
		r.stats.Locked++
		return
	}
	// A reader that began meanwhile has reset the positions: what is behind its tail
	// would be events of the time before it.
	if !atomic.CompareAndSwapUint32(r.info32(offHead), head, (head+uint32(len(data)))&(size-1)) {
		r.stats.NoConsumer++
		return
	}
	r.stats.Written++
}

// wanted reports whether there is a consumer that has not stopped the ring, and counts
// the event if not.
func (r *Ring) wanted() bool {
	switch {
	case atomic.LoadInt32(r.status32(offPID)) == 0:
		r.stats.NoConsumer++
	case atomic.LoadInt32(r.status32(offStopped)) != 0:
		r.stats.Stopped++
	default:
		return true
	}
	return false
}

// drop counts an event that found no room, for us and for the reader.
func (r *Ring) drop(t event.Type) {
	atomic.AddUint64(r.info64(offDrops), 1)
	if k := r.kinds[t]; k >= 0 {
		atomic.AddUint64(r.info64(offKinds+8*k), 1)
	}
	if r.ConsumerGone() {
		r.stats.NoConsumer++
	} else {
		r.stats.NoRoom++
	}
}

// ConsumerGone reports whether no process has the number of the consumer. It has died
// then, or the number is of another PID namespace, which cannot be told.
func (r *Ring) ConsumerGone() bool {
	pid := r.Consumer()
	return pid > 0 && unix.Kill(pid, 0) == unix.ESRCH
}

// known returns an event as readers up to libs 0.12 take it: their code of a generic
// event is an index into a table of their time, which they do not check.
func (r *Ring) known(ev *event.Event) []byte {
	const firstUnknown = 329 // PPM_SC_OPEN_BY_HANDLE_AT
	data := ev.Bytes()
	if t := ev.Type(); t != event.GenericE && t != event.GenericX {
		return data
	}
	code, ok := ev.Int(0)
	if !ok || code < firstUnknown {
		return data
	}
	r.scratch = append(r.scratch[:0], data...)
	at := event.HeaderSize + 2*ev.NumParams()
	r.scratch[at], r.scratch[at+1] = 0, 0 // unknown
	return r.scratch
}

// Stats returns the counters.
func (r *Ring) Stats() Stats { return r.stats }

// Close leaves the ring. The segments stay, for the consumer and other producers.
func (r *Ring) Close() Stats {
	_ = r.guard(func() error { r.lock.release(); return nil })
	r.close()
	return r.stats
}

func (r *Ring) close() {
	r.buf.close()
	r.descs.close()
}

// Report returns what became of events that nobody got, in one line; empty if there are
// none.
func (s Stats) Report() string {
	line := ""
	for _, c := range []struct {
		n   uint64
		why string
	}{
		{s.NoConsumer, "nobody read the ring"}, {s.Stopped, "the reader had stopped it"}, {s.NoRoom, "the reader was too slow"},
		{s.Locked, "another producer did not let go of the lock"}, {s.TooLong, "longer than 64 KiB"},
		{s.Unknown, "of types that readers of this layout do not know"}, {s.Broken, "the ring was damaged"},
	} {
		if c.n > 0 {
			line += fmt.Sprintf(" %d (%s)", c.n, c.why)
		}
	}
	if line == "" {
		return ""
	}
	return "udig: events that were not read:" + line
}

// ConsumerHere reports whether the consumer sees the processes of our PID namespace: if
// the process that has its number here maps the ring. What it finds in its own /proc
// about a thread id is then right.
func (r *Ring) ConsumerHere() bool {
	pid := r.Consumer()
	var st unix.Stat_t
	if pid <= 0 || unix.Fstat(int(r.descs.f.Fd()), &st) != nil {
		return false
	}
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false
	}
	defer maps.Close()
	// address perms offset major:minor inode path (proc(5))
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) > 5 && f[4] == strconv.FormatUint(st.Ino, 10) && strings.HasSuffix(f[5], descsName) {
			return true
		}
	}
	return false
}
