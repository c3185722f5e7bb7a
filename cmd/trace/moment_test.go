package main

import (
	"math"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	zone, old := time.FixedZone("east", 2*3600), time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = old })
	first := time.Date(2026, 11, 25, 23, 30, 0, 5, zone)
	for text, want := range map[string]time.Time{
		"+1m30s":                           first.Add(90 * time.Second),
		"+0.5s":                            first.Add(time.Second / 2),
		"23:31":                            time.Date(2026, 11, 25, 23, 31, 0, 0, zone),
		"00:31:02.25":                      time.Date(2026, 11, 25, 0, 31, 2, 25e7, zone),
		"2026-11-26 01:02:03.000000004":    time.Date(2026, 11, 26, 1, 2, 3, 4, zone),
		"2026-11-26T01:02":                 time.Date(2026, 11, 26, 1, 2, 0, 0, zone),
		"2026-11-26":                       time.Date(2026, 11, 26, 0, 0, 0, 0, zone),
		"2026-11-25T01:02:03.5Z":           time.Date(2026, 11, 25, 1, 2, 3, 5e8, time.UTC),
		"2026-11-25T01:02:03.000001-07:00": time.Date(2026, 11, 25, 8, 2, 3, 1000, time.UTC),
		"@1700000000":                      time.Unix(1700000000, 0),
		"@1700000000.000000123":            time.Unix(1700000000, 123),
		"@1.5":                             time.Unix(1, 5e8),
	} {
		m, err := parseMoment(text)
		if err != nil {
			t.Error(err)
		} else if got := m.at(uint64(first.UnixNano()), 0); got != uint64(want.UnixNano()) {
			t.Errorf("%s is %v, want %v", text, time.Unix(0, int64(got)), want)
		}
	}
	for text, want := range map[string]uint64{"": 7, "1900-01-01": 0, "9999-01-01": math.MaxUint64} {
		if m, err := parseMoment(text); err != nil || m.at(1, 7) != want {
			t.Errorf("%q: %d, %v, want %d", text, m.at(1, 7), err, want)
		}
	}
	for _, text := range []string{"yesterday", "+", "+x", "+-1s", "-1s", "@", "@-1", "@1.1234567890", "@99999999999", "25:00", "2026-13-01", "@1.-5"} {
		if _, err := parseMoment(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}
