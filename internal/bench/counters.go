package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// counters are what trace --stats tells.
type counters struct {
	Events    uint64 `json:"n_evts"`    // laid out by the driver
	Drops     uint64 `json:"n_drops"`   // given up by the driver
	Stops     uint64 `json:"stops"`     // of tracees
	Reported  uint64 `json:"reported"`  // given to the output
	Unwritten uint64 `json:"unwritten"` // not written, as the output failed
}

// parseCounters finds the counters, as JSON or as text, in what trace and the
// workload wrote to standard error. They come last.
func parseCounters(stderr string) (c counters, err error) {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if c, ok := parseJSONCounters(lines[i]); ok {
			return c, nil
		}
		_, err := fmt.Sscanf(lines[i], "events %d, dropped %d, stops %d, reported %d, not written %d",
			&c.Events, &c.Drops, &c.Stops, &c.Reported, &c.Unwritten)
		if err == nil {
			return c, nil
		}
	}
	return counters{}, errors.New("trace told no counters")
}

// parseJSONCounters wants every key, so that a renamed one is not read as 0.
func parseJSONCounters(line string) (c counters, ok bool) {
	var m map[string]uint64
	if json.Unmarshal([]byte(line), &m) != nil {
		return c, false
	}
	for _, f := range []struct {
		key string
		to  *uint64
	}{
		{"n_evts", &c.Events}, {"n_drops", &c.Drops}, {"stops", &c.Stops}, {"reported", &c.Reported}, {"unwritten", &c.Unwritten},
	} {
		if *f.to, ok = m[f.key]; !ok {
			return counters{}, false
		}
	}
	return c, true
}

// lost is how many events are missing: those that trace counts as lost, and
// those that least says must have been.
func (c counters) lost(least uint64) uint64 {
	n := c.Drops + c.Unwritten
	if c.Reported < least {
		n += least - c.Reported
	}
	return n
}
