package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A moment is a point in time as users give it, which may depend on when a capture
// begins.
type moment struct {
	resolve func(first time.Time) time.Time // nil: no limit
}

// at returns the moment for a capture whose first event has that time, both ns since
// the epoch; otherwise without a limit.
func (m moment) at(first, otherwise uint64) uint64 {
	if m.resolve == nil {
		return otherwise
	}
	t := m.resolve(time.Unix(0, int64(first)))
	switch {
	case t.Unix() < 0:
		return 0
	case t.Unix() > maxSeconds:
		return math.MaxUint64
	}
	return uint64(t.UnixNano())
}

// maxSeconds since the epoch fit into 63 bits as nanoseconds: till the year 2242.
const maxSeconds = 1<<33 - 1

// The layouts of dates and times without a zone, which are local.
var layouts = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
}

// parseMoment reads a moment; none if text is empty.
func parseMoment(text string) (moment, error) {
	bad := func() (moment, error) {
		return moment{}, fmt.Errorf("%q is no time: 15:04:05, \"2006-01-02 15:04:05\", 2006-01-02T15:04:05Z, @SECONDS or +DURATION, as +1m30s", text)
	}
	if text == "" {
		return moment{}, nil
	}
	if after, ok := strings.CutPrefix(text, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil || d < 0 {
			return bad()
		}
		return moment{func(first time.Time) time.Time { return first.Add(d) }}, nil
	}
	if s, ok := strings.CutPrefix(text, "@"); ok {
		t, ok := sinceEpoch(s)
		if !ok {
			return bad()
		}
		return fixed(t), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return fixed(t), nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return fixed(t), nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return moment{func(first time.Time) time.Time {
				y, m, d := first.Date()
				return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), first.Location())
			}}, nil
		}
	}
	return bad()
}

func fixed(t time.Time) moment { return moment{func(time.Time) time.Time { return t }} }

// sinceEpoch reads seconds, which may have a fraction of up to nine digits.
func sinceEpoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseUint(whole, 10, 33)
	if err != nil || len(fraction) > 9 {
		return time.Time{}, false
	}
	nsec, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(sec), int64(nsec)), true
}
