package sysdigtest

import (
	"strings"
	"testing"
)

func TestTools(t *testing.T) {
	for name, get := range map[string]func(testing.TB) *Tool{"bookworm": Bookworm, "forky": Forky} {
		t.Run(name, func(t *testing.T) {
			tool := get(t)
			if out := tool.Run(t, "--version"); !strings.Contains(out, tool.Version) || tool.Version == "" {
				t.Errorf("version %q, it says %q", tool.Version, out)
			}
		})
	}
}
