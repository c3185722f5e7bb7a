package udig

import (
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What stands in the lock while one of us holds it: a mark, which no address or small
// number has, and the holder's number.
const (
	markMask = 0xffff << 48
	mark     = 0x4c4e << 48
)

// aliveAt is the offset in udig_descs, far beyond its end, at which a producer holds a
// lock of the file while it lives: one byte, at its number.
const aliveAt = 1 << 40

// A lock is the contract's lock of producers.
type lock struct {
	word *uint64
	f    *os.File
	own  uint64

	// stuck is what was in the word when waiting for it was given up: as long as it
	// is, nobody waits for it again.
	stuck   uint64
	stuckAt time.Time
}

// join chooses a number for this producer.
func (l *lock) join(f *os.File, word *uint64) error {
	l.f, l.word = f, word
	for {
		id := uint64(rand.Uint32())
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: int64(aliveAt + id), Len: 1})
		switch err {
		case nil:
			l.own = mark | id
			return nil
		case unix.EAGAIN, unix.EACCES, unix.EINTR: // taken
		default:
			return err
		}
	}
}

// dead reports whether the holder that v tells of is dead.
func (l *lock) dead(v uint64) bool {
	if v&markMask != mark {
		return false // of another program: nothing is known
	}
	lk := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(aliveAt + v&^uint64(markMask)), Len: 1}
	return unix.FcntlFlock(l.f.Fd(), unix.F_OFD_GETLK, &lk) == nil && lk.Type == unix.F_UNLCK
}

// Times of waiting for the lock. A holder keeps it for some hundred nanoseconds, unless
// it is not running.
const (
	spins    = 100
	waitTime = 20 * time.Millisecond
	// foreignTime is after which a holder that is not one of us counts as dead.
	foreignTime = time.Second
)

// take takes the lock. It gives up after a short time on one that is not let go of.
func (l *lock) take() bool {
	if atomic.CompareAndSwapUint64(l.word, 0, l.own) {
		l.stuck = 0
		return true
	}
	return l.takeSlowly()
}

func (l *lock) takeSlowly() bool {
	var begun time.Time
	for i := 0; ; i++ {
		v := atomic.LoadUint64(l.word)
		if v == 0 {
			if atomic.CompareAndSwapUint64(l.word, 0, l.own) {
				l.stuck = 0
				return true
			}
			continue
		}
		if i < spins {
			runtime.Gosched()
			continue
		}
		now := time.Now()
		if begun.IsZero() {
			begun = now
		}
		gone := v == l.own || l.dead(v) || v == l.stuck && v&markMask != mark && now.Sub(l.stuckAt) > foreignTime
		if gone && atomic.CompareAndSwapUint64(l.word, v, l.own) {
			l.stuck = 0
			return true
		}
		if v == l.stuck {
			return false
		}
		if now.Sub(begun) > waitTime {
			l.stuck, l.stuckAt = v, now
			return false
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// held reports whether the lock is still ours.
func (l *lock) held() bool { return atomic.LoadUint64(l.word) == l.own }

// release lets go of the lock, if nobody took it away.
func (l *lock) release() { atomic.CompareAndSwapUint64(l.word, l.own, 0) }
