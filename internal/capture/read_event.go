package capture

import "github.com/lannerhq/lanner/kernel/event"

// headerV1 is the size of an event header in blocks of version 1, which lacks
// the number of parameters.
const headerV1 = event.HeaderSize - 4

// event reads the event in the block whose header has been read. ok is false
// without an error if the contract does not have its type: a newer writer's
// event, which older readers have always passed over.
func (r *Reader) event(ev *event.Event) (ok bool, err error) {
	limit := smallBody
	if r.kind == eventV2Large || r.kind == eventFlagsLarge {
		limit = r.limits.Event
	}
	b, err := r.body(limit)
	if err != nil {
		return false, err
	}
	c := cursor{b: b}
	cpu, flags := c.u16(), uint32(0)
	switch r.kind {
	case eventFlagsV1, eventFlagsV2, eventFlagsLarge:
		flags = c.u32()
	}
	b = c.rest()
	if c.short || len(b) < headerV1 {
		return false, r.damage("event block of %d bytes", len(c.b))
	}
	if event.Type(order.Uint16(b[20:])).Row() == nil {
		r.skipped++
		return false, nil
	}
	switch r.kind {
	case eventV1, oldEventV1, eventFlagsV1:
		if b = r.convert(b); b == nil {
			return false, r.damage("no number of parameters fits the event of version 1")
		}
	}
	if _, err := ev.Parse(b); err != nil {
		return false, r.damage("%v", err)
	}
	ev.CPU, ev.Flags = cpu, event.Flags(flags)
	return true, nil
}

// convert gives an event of version 1 the layout of version 2, nil if that
// cannot be done. The number of parameters is the highest, from what the type
// has today downwards, that makes lengths and values add up to the length.
func (r *Reader) convert(b []byte) []byte {
	t := event.Type(order.Uint16(b[20:]))
	length := order.Uint32(b[16:])
	if t == event.NotificationE || t == event.InfrastructureEventE {
		length -= 3 // their writers counted wrong; below 3 it wraps and does not fit
	}
	if uint64(length) > uint64(len(b)) || length < headerV1 {
		return nil
	}
	lens, n := b[headerV1:length], 0
	for n = min(len(t.Row().Params), len(lens)/2); n >= 0; n-- {
		sum := 2 * n
		for i := range n {
			sum += int(order.Uint16(lens[2*i:]))
		}
		if sum == len(lens) {
			break
		}
		if sum < len(lens) {
			return nil
		}
	}
	if n < 0 {
		return nil
	}
	v2 := append(r.v2[:0], b[:headerV1]...)
	v2 = order.AppendUint32(v2, uint32(n))
	v2 = append(v2, lens...)
	order.PutUint32(v2[16:], uint32(len(v2)))
	r.v2 = v2
	return v2
}
