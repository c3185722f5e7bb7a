package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lannerhq/lanner/kernel"
)

func TestWriteStats(t *testing.T) {
	list := []counter{{"n_evts", 1<<64 - 1}, {"n_drops", 0}, {"reported", 7}}
	var b bytes.Buffer
	writeStats(&b, list, false)
	if want := "n_evts 18446744073709551615\nn_drops 0\nreported 7\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	writeStats(&b, list, true)
	if want := `{"n_evts":18446744073709551615,"n_drops":0,"reported":7}` + "\n"; b.String() != want || !json.Valid(b.Bytes()) {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestLossLine(t *testing.T) {
	stats := func(set func(*kernel.Stats)) kernel.Stats {
		var s kernel.Stats
		s.Total.Events = 100
		set(&s)
		return s
	}
	for want, s := range map[string]kernel.Stats{
		"": stats(func(*kernel.Stats) {}),
		"7 of 100 events were lost, as a buffer was full (open_enter 2, close_exit 4): a larger --buffer-preset, fewer --events or a faster output helps": stats(func(s *kernel.Stats) {
			s.Total.NoRoom, s.Total.ByCategory[0], s.Total.ByCategory[12] = 7, 2, 4
		}),
		"3 of 100 events were lost; 3 were longer than 64 KiB":                                     stats(func(s *kernel.Stats) { s.Total.TooLong = 3 }),
		"up to 5 events were lost, as their CPU was making another one":                            stats(func(s *kernel.Stats) { s.Total.Preempted = 5 }),
		"up to 2 processes were not followed: there were too many, or on Linux 7 too many at once": stats(func(s *kernel.Stats) { s.Total.LostChildren = 2 }),
	} {
		if got := lossLine(s); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
