package stream

import (
	"cmp"
	"fmt"
	"time"
)

// Times without any progress after which Block is not to be kept waiting in silence, nor
// at all once Hurry was called: of a listener that is there, and without one.
const stuckTime, aloneTime = 5 * time.Second, time.Second

// stuck reports whether nothing has moved for long.
func (s *Sender) stuck() bool {
	patience := aloneTime
	if s.connected {
		patience = stuckTime
	}
	return time.Since(s.movedAt) > patience
}

// alarm tells, once, who waits for what because nothing moves.
func (s *Sender) alarm(who, what string) {
	if s.alarmed || !s.stuck() {
		return
	}
	s.alarmed = true
	why := cmp.Or(s.why, nobody)
	if s.connected {
		why = "the listener takes nothing"
	}
	if s.cfg.Alarm != nil {
		s.cfg.Alarm(fmt.Sprintf("%s: %s; %s waits for %s to be taken (--stream-full block)", s.cfg.Address, why, who, what))
	}
}

// Hurry ends the patience of Block: from now on nobody is kept waiting by a listener that
// takes nothing, or that is not there. It may be called from any goroutine.
func (s *Sender) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hurried {
		s.hurried, s.movedAt = true, time.Now()
		s.cond.Broadcast()
	}
}

// waitForRoom waits until a listener has taken enough, or Hurry says that none will.
func (s *Sender) waitForRoom(need, limit int) bool {
	if err := s.w.Flush(); err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		q := int(s.queued.Load())
		switch {
		case q == 0 || q+need <= limit:
			return true
		case s.wantHead.Load():
			s.mu.Unlock()
			s.serveHead()
			s.mu.Lock()
		case s.hurried && s.stuck():
			return false
		default:
			s.alarm("what is traced", "events")
			s.nap()
		}
	}
}

// nap waits for something to change, a little.
func (s *Sender) nap() {
	wake := time.AfterFunc(napTime, s.cond.Broadcast)
	s.cond.Wait()
	wake.Stop()
}

// napTime is how often those who wait look at what has no signal: time, and a wanted head.
const napTime = 20 * time.Millisecond

// await waits until all has been sent, or will not be.
func (s *Sender) await() {
	s.mu.Lock()
	if !s.hurried {
		s.movedAt = time.Now()
	}
	s.mu.Unlock()
	for {
		select {
		case <-s.done:
			return
		case <-time.After(5 * time.Millisecond):
		}
		s.serveHead()
		s.mu.Lock()
		idle := len(s.queue) == 0 && !s.connected // nothing to send, nobody to say goodbye to
		stuck := s.stuck()
		if patient := s.cfg.Full == Block && !s.hurried && len(s.queue) > 0; patient {
			s.alarm("trace", fmt.Sprintf("the last %d KiB of events", s.queued.Load()>>10))
			stuck = false
		}
		s.mu.Unlock()
		if idle || stuck {
			return
		}
	}
}
