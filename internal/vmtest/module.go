package vmtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// BuildModule builds the module whose sources and Kbuild are in dir, with the headers
// that Debian has for the kernel; args are further arguments of make. What is made is
// put into dir.
func (k Kernel) BuildModule(t testing.TB, dir string, args ...string) {
	t.Helper()
	headers, err := k.headers()
	if err != nil {
		need(t, fmt.Errorf("no headers of Linux %s: %w", k.Name, err))
	}
	// Debian compiles with what is newest in each release; the warning that ours is
	// another one is no failure. Types of modules need tools that headers lack.
	args = append([]string{"-C", headers, "M=" + dir, "CONFIG_DEBUG_INFO_BTF_MODULES=", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="}, args...)
	cmd := exec.Command("make", append(args, "modules")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, tail(out, 40))
	}
}

// headers returns the directory to build in, ready to be used.
func (k *Kernel) headers() (dir string, err error) {
	kernel, err := k.fetch()
	if err != nil {
		return "", err
	}
	root, err := debian.Tree{
		Name: "headers-" + kernel.version, Suites: k.suites, Arch: k.Arch, Packages: []string{"linux-headers-" + kernel.version},
		Follow: regexp.MustCompile("^linux-(headers|kbuild)-[0-9]"),
	}.Fetch()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(root, "usr/src/linux-headers-"+kernel.version)
	return dir, mend(root, dir)
}

// mend makes the headers' makefile, which is for /usr/src, look where they are.
func mend(root, dir string) error {
	name := filepath.Join(dir, "Makefile")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	mended := bytes.ReplaceAll(text, []byte("include /usr/src/"), []byte("include "+root+"/usr/src/"))
	if bytes.Equal(text, mended) {
		return nil
	}
	f, err := os.CreateTemp(dir, "Makefile-") // others may use it
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(mended); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
