package capture

import "iter"

// A Block is one of a row of blocks that a Writer wrote.
type Block struct {
	Start, End int    // of it in the row: bytes
	Event      []byte // the event in it, nil if it has none
	Section    bool   // it begins a section
}

// Blocks returns the blocks of a row, which begins and ends between two of them.
func Blocks(row []byte) iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for at := 0; len(row)-at >= frame; {
			kind, total := blockType(order.Uint32(row[at:])), int(order.Uint32(row[at+4:]))
			if total < minTotal || total > len(row)-at {
				return // cannot be: a Writer made them
			}
			b := Block{Start: at, End: at + total, Section: kind == sectionHeader}
			if kind.event() {
				b.Event = eventIn(kind, row[at+headerSize:at+total-4])
			}
			if !yield(b) {
				return
			}
			at += total
		}
	}
}

// eventIn returns the event in the body of a block of version 2: behind the CPU and,
// where there are some, the flags.
func eventIn(kind blockType, body []byte) []byte {
	front := 2
	if kind == eventFlagsV2 || kind == eventFlagsLarge {
		front += 4
	}
	return body[min(front, len(body)):]
}
