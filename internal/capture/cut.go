package capture

// Cut says what the first n bytes of a row of blocks hold: how many events as a
// whole, whether another one in part (0 or 1), and where the first block starts of
// which they hold nothing.
func Cut(b []byte, n int) (whole, partial, rest int) {
	for rest < n && len(b)-rest >= headerSize {
		kind, total := blockType(order.Uint32(b[rest:])), int(order.Uint32(b[rest+4:]))
		if total < minTotal || total > len(b)-rest {
			break // cannot be: a Writer made them
		}
		rest += total
		switch {
		case !kind.event():
		case rest <= n:
			whole++
		default:
			partial++
		}
	}
	return whole, partial, rest
}
