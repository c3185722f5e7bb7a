package headers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files of headers below a root, as distributions lay them out.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	release = "#define UTS_RELEASE \"6.1.0-x\"\n"
	x86     = "#define CONFIG_X86_64 1\n"
)

func TestFind(t *testing.T) {
	shared := tree(t, map[string]string{
		"usr/src/linux-headers-6.1.0-x/include/generated/utsrelease.h": release,
		"usr/src/linux-headers-6.1.0-x/include/generated/autoconf.h":   x86,
		"usr/src/linux-headers-6.1.0-x/Makefile":                       "include /usr/src/linux-headers-6.1.0-common/Makefile\n",
		"usr/src/linux-headers-6.1.0-common/include/linux/kconfig.h":   "",
	})
	one := tree(t, map[string]string{
		"usr/src/kernels/6.1.0-x/include/generated/utsrelease.h": release,
		"usr/src/kernels/6.1.0-x/include/generated/autoconf.h":   x86,
		"usr/src/kernels/6.1.0-x/include/linux/kconfig.h":        "",
	})
	for root, source := range map[string]string{shared: "/usr/src/linux-headers-6.1.0-common", one: "/usr/src/kernels/6.1.0-x"} {
		h, err := find(root, "6.1.0-x", "x86")
		if err != nil {
			t.Fatal(err)
		}
		if h.Source != root+source || h.Release != "6.1.0-x" {
			t.Errorf("%+v, want the sources in %s", h, source)
		}
		if args := strings.Join(h.Includes(), " "); !strings.HasPrefix(args, "-I"+h.Source+"/arch/x86/include ") || !strings.HasSuffix(args, "-include "+h.Source+"/include/linux/kconfig.h") {
			t.Errorf("arguments %s", args)
		}
		if _, err := find(root, "6.1.0-x", "arm64"); err == nil || !strings.Contains(err.Error(), "of another machine than arm64") {
			t.Errorf("another machine: %v", err)
		}
	}
}

// TestMissing: the error names the package that a distribution has the headers in.
func TestMissing(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"ID=debian\n", "no headers of Linux 6.1.0-x: apt-get install linux-headers-6.1.0-x (package linux-headers-6.1.0-x), or --headers DIR"},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "no headers of Linux 6.1.0-x: dnf install kernel-devel-6.1.0-x (package kernel-devel-6.1.0-x), or --headers DIR"},
	} {
		_, err := find(tree(t, map[string]string{"etc/os-release": c.id}), "6.1.0-x", "x86")
		var missing *MissingError
		if !errors.As(err, &missing) || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.id, err, c.want)
		}
	}
}
