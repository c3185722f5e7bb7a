package kernel

import (
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// TestFeatures: a kernel that is new enough must show each feature to who may
// ask; an older one may not show it.
func TestFeatures(t *testing.T) {
	m := Look()
	if !m.Has(unix.CAP_BPF) || !m.Has(unix.CAP_PERFMON) || m.UserNS {
		t.Skip("needs CAP_BPF and CAP_PERFMON")
	}
	for _, f := range Features {
		t.Run(f.Name, func(t *testing.T) {
			switch here := f.Here(); {
			case here != Present && m.Version >= f.Since:
				t.Errorf("%v, but Linux %v is newer than %v: %v", here, m.Version, f.Since, f.check())
			case here == Present && m.Version < f.Since:
				t.Logf("Linux %v has it, though it came with %v: taken over by the distributor?", m.Version, f.Since)
			case here != Present:
				t.Skipf("Linux %v is older than %v", m.Version, f.Since)
			}
		})
	}
}

// TestMemlock: the check leaves the limit as it was.
func TestMemlock(t *testing.T) {
	var before, after unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_MEMLOCK, &before)
	haveMemcgCharge()
	unix.Getrlimit(unix.RLIMIT_MEMLOCK, &after)
	if before != after {
		t.Errorf("RLIMIT_MEMLOCK was %v and is %v", before, after)
	}
}

func TestSupport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Support
	}{
		{nil, Present},
		{ebpf.ErrNotSupported, Missing},
		{fmt.Errorf("load: %w", unix.EINVAL), Missing},
		{fmt.Errorf("load: %w", unix.ENOSYS), Missing},
		{fmt.Errorf("load: %w", unix.EPERM), Unknown},
		{&os.PathError{Op: "open", Path: "/x", Err: unix.EACCES}, Unknown},
	} {
		if got := support(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	if v := version(5, 11); v.String() != "5.11" || v <= version(5, 4) || v >= version(6, 0) {
		t.Errorf("version(5, 11) is %v, %#x", v, uint32(v))
	}
	if running() < version(4, 0) {
		t.Errorf("we run on Linux %v", running())
	}
}
