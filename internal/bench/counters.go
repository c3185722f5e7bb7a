package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// counters are what trace --stats tells.
type counters struct {
	Events    uint64 `json:"n_evts"`    // laid out by the driver
	Drops     uint64 `json:"n_drops"`   // given up by the driver
	Stops     uint64 `json:"stops"`     // of tracees; 0 for kernel drivers
	Reported  uint64 `json:"reported"`  // given to the output
	Unwritten uint64 `json:"unwritten"` // not written, as the output failed
}

// parseCounters finds the counters in what trace and the workload wrote to
// standard error: one JSON object, or a line for each, n_evts first. The last ones
// count.
func parseCounters(stderr string) (counters, error) {
	var last map[string]uint64
	for line := range strings.Lines(stderr) {
		var object map[string]uint64
		if json.Unmarshal([]byte(line), &object) == nil {
			last = object
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			continue
		}
		if name == "n_evts" || last == nil {
			last = map[string]uint64{}
		}
		last[name] = n
	}
	// Every key is wanted, so that a renamed one is not read as 0.
	for _, key := range []string{"n_evts", "n_drops", "reported", "unwritten"} {
		if _, ok := last[key]; !ok {
			return counters{}, errors.New("trace told no counters")
		}
	}
	return counters{last["n_evts"], last["n_drops"], last["stops"], last["reported"], last["unwritten"]}, nil
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
