package ptrace

import (
	"testing"
	"time"
)

// TestSpinner: reports come sooner in one way of waiting than in the other, and that
// is the way that most are waited for in, also after it has changed.
func TestSpinner(t *testing.T) {
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	var s spinner
	for _, c := range []struct {
		name string
		took [2]time.Duration
		want int
	}{
		{"looking is better", [2]time.Duration{sleeping: us(30), looking: us(10)}, looking},
		{"sleeping is better", [2]time.Duration{sleeping: us(10), looking: us(30)}, sleeping},
		{"looking is better again", [2]time.Duration{sleeping: us(30), looking: us(10)}, looking},
		{"looking hardly pays", [2]time.Duration{sleeping: us(100), looking: us(99)}, sleeping},
		{"tracees take their time", [2]time.Duration{sleeping: slow, looking: slow}, sleeping},
	} {
		const trials = 4 * maxStay
		var in [2]int
		for range trials {
			in[s.way]++
			s.sum = trialLen * c.took[s.way]
			s.judge()
		}
		if in[c.want] < trials*7/10 {
			t.Errorf("%s: %d of %d trials in that way", c.name, in[c.want], trials)
		}
	}
}
