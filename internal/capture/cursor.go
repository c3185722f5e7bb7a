package capture

import "strings"

// A cursor takes values from bytes. Past their end it returns zeros and sets
// short.
type cursor struct {
	b     []byte
	off   int
	short bool
}

func (c *cursor) left() int { return len(c.b) - c.off }

// bytes takes n bytes, nil if there are fewer.
func (c *cursor) bytes(n int) []byte {
	if n > c.left() {
		c.short = true
		c.off = len(c.b)
		return nil
	}
	c.off += n
	return c.b[c.off-n : c.off]
}

// rest takes what is left.
func (c *cursor) rest() []byte { return c.bytes(c.left()) }

// sub takes n bytes as a cursor of their own.
func (c *cursor) sub(n int) cursor { return cursor{b: c.bytes(n)} }

func (c *cursor) u8() uint8 {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.bytes(2); b != nil {
		return order.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.bytes(4); b != nil {
		return order.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.bytes(8); b != nil {
		return order.Uint64(b)
	}
	return 0
}

func (c *cursor) s64() int64 { return int64(c.u64()) }

// text takes a length and a string.
func (c *cursor) text() string { return string(c.bytes(int(c.u16()))) }

// list takes strings, each with its NUL, that stand as one string.
func (c *cursor) list() []string {
	s := c.text()
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\x00"), "\x00")
}

// address takes an address of n bytes.
func (c *cursor) address(n int) []byte { return append([]byte(nil), c.bytes(n)...) }

// Tail values are there only if the entry is long enough; each is asked for on
// its own, as readers of libscap do.

func (c *cursor) tail64(p *uint64) {
	if c.left() >= 8 {
		*p = c.u64()
	}
}

func (c *cursor) tail32(p *uint32) {
	if c.left() >= 4 {
		*p = c.u32()
	}
}

func (c *cursor) tailFlag(p *bool) {
	if c.left() >= 1 {
		*p = c.u8() != 0
	}
}
