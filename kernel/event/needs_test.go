package event

import (
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestNeeds(t *testing.T) {
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		has := func(reported, call string) bool {
			s, err := ParseSet(reported, in)
			if err != nil {
				t.Fatal(err)
			}
			need := Needs(s, in)
			return need.Has(spec.FindSyscall(call).SC)
		}
		for _, c := range []struct {
			reported, call string
			want           bool
		}{
			{"kill", "execve", true}, // who killed
			{"kill", "clone3", true},
			{"kill", "openat", false},
			{"kill", "read", false},
			{"read", "openat", true}, // what is read
			{"read", "dup2", true},
			{"read", "chdir", true},
			{"read", "write", false},
			{"unlink", "chdir", true}, // what the path is relative to
			{"mmap", "execve", true},
		} {
			if has(c.reported, c.call) != c.want {
				t.Errorf("edition %d: readers of %s need %s: %v", in, c.reported, c.call, !c.want)
			}
		}
	}
}
