package driver

import (
	"os"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestConfig(t *testing.T) {
	page := os.Getpagesize()
	for _, c := range []struct {
		what  string
		cfg   Config
		wrong string // "": nothing
	}{
		{"the least", Config{Profile: spec.Current}, ""},
		{"no profile", Config{}, "no profile"},
		{"two profiles", Config{Profile: spec.Both}, "no profile"},
		{"the longest snaplen", Config{Profile: spec.V036, Snaplen: event.MaxParamLen}, ""},
		{"a longer one", Config{Profile: spec.V036, Snaplen: event.MaxParamLen + 1}, "snaplen"},
		{"a negative one", Config{Profile: spec.V036, Snaplen: -1}, "snaplen"},
		{"sampling", Config{Profile: spec.Current, SamplingRatio: 128}, ""},
		{"too little of it", Config{Profile: spec.Current, SamplingRatio: 256}, "sampling ratio 256"},
		{"a third", Config{Profile: spec.Current, SamplingRatio: 3}, "sampling ratio 3"},
		{"a negative ratio", Config{Profile: spec.Current, SamplingRatio: -2}, "sampling ratio -2"},
		{"the least buffer", Config{Profile: spec.Current, BufferBytes: page}, ""},
		{"less than a page", Config{Profile: spec.Current, BufferBytes: page / 2}, "buffer of"},
		{"no power of two", Config{Profile: spec.Current, BufferBytes: 3 * page}, "buffer of"},
		{"more than the kernel takes", Config{Profile: spec.Current, BufferBytes: 2 << 30}, "buffer of"},
	} {
		err := c.cfg.Check()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.wrong)
		}
	}
	c := Config{Profile: spec.Current}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if c.BufferBytes != defaultBuffer || c.SamplingRatio != 1 || c.StatsdPort != defaultStatsd || c.Notice == nil {
		t.Errorf("incomplete: %+v", c)
	}
}
