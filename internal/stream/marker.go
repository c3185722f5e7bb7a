package stream

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lannerhq/lanner/kernel/event"
)

// Markers are events of our own among those of the tracer: notifications, which every
// reader knows, whose id says what they are.
const (
	headMarker = "lanner.head"    // the head is complete; for the reader's state only
	dropMarker = "lanner.dropped" // so many events are missing here: "N events ..."
)

// noThread is the thread id of markers.
const noThread = -1

// marker makes a notification.
func marker(b *event.Builder, ev *event.Event, ts uint64, id, desc string) {
	b.Reset()
	b.Begin(event.NotificationE, ts, noThread, 2)
	b.PutString(id)
	b.PutString(desc)
	if _, err := ev.Parse(b.End()); err != nil {
		panic(err) // what a Builder makes can be parsed
	}
	ev.CPU, ev.Flags = 0, 0
}

// isMarker returns the id and text of a marker.
func isMarker(ev *event.Event) (id, desc string, ok bool) {
	if ev.Type() != event.NotificationE || ev.TID() != noThread {
		return "", "", false
	}
	id, _ = ev.String(0)
	desc, _ = ev.String(1)
	return id, desc, id == headMarker || id == dropMarker
}

// isDropMarker reports whether the bytes of an event, which a Writer wrote, are a marker.
// It is not counted among the events of the tracer.
func isDropMarker(b []byte) bool {
	var ev event.Event
	if _, err := ev.Parse(b); err != nil {
		return false
	}
	id, _, ok := isMarker(&ev)
	return ok && id == dropMarker
}

func dropText(n uint64, why string) string { return fmt.Sprintf("%d events were dropped: %s", n, why) }

// dropped reads the number in the text of a drop marker.
func dropped(desc string) uint64 {
	n, _ := strconv.ParseUint(strings.SplitN(desc, " ", 2)[0], 10, 64)
	return n
}
