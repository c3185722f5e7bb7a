package ptrace

import (
	"runtime"
	"testing"
	"time"
)

// TestSpinner: reports come sooner in one way of waiting than in the others, and that
// is the way that most are waited for in, also after it has changed.
func TestSpinner(t *testing.T) {
	runtime.LockOSThread() // never unlocked: its affinity changes
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	var s spinner
	s.spare, s.place.able = true, true
	s.start()
	for _, c := range []struct {
		name string
		took [numWays]time.Duration
		want int
	}{
		{"looking is better", [numWays]time.Duration{sleeping: us(30), beside: us(20), looking: us(10)}, looking},
		{"sleeping is better", [numWays]time.Duration{sleeping: us(10), beside: us(20), looking: us(30)}, sleeping},
		{"beside is better", [numWays]time.Duration{sleeping: us(30), beside: us(10), looking: us(20)}, beside},
		{"looking is better again", [numWays]time.Duration{sleeping: us(30), beside: us(31), looking: us(10)}, looking},
		{"looking hardly pays", [numWays]time.Duration{sleeping: us(100), beside: us(100), looking: us(99)}, sleeping},
		{"looking hardly pays beside us", [numWays]time.Duration{sleeping: us(100), beside: us(50), looking: us(49)}, beside},
		{"tracees take their time", [numWays]time.Duration{sleeping: slow, beside: slow, looking: slow}, sleeping},
	} {
		const trials = 4 * maxStay
		var in [numWays]int
		for range trials {
			in[s.way]++
			if here := s.way == beside; s.place.here != here {
				t.Fatalf("%s: in way %d, here: %t", c.name, s.way, s.place.here)
			}
			s.n, s.sum = trialLen, trialLen*c.took[s.way]
			s.judge()
		}
		if in[c.want] < trials*7/10 {
			t.Errorf("%s: %d of %d trials in that way", c.name, in[c.want], trials)
		}
	}
}

// TestSpinnerLimits: a way that is not allowed is never taken.
func TestSpinnerLimits(t *testing.T) {
	for _, spare := range []bool{false, true} {
		s := spinner{spare: spare}
		s.start()
		for range 10 * maxStay {
			if s.way == beside || s.way == looking && !spare {
				t.Fatalf("way %d with %t", s.way, spare)
			}
			s.n, s.sum = trialLen, time.Millisecond
			s.judge()
		}
	}
}
