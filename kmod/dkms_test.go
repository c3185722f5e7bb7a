package kmod

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
	"github.com/lannerhq/lanner/internal/vmtest"
)

// TestKernelsDKMS gives the sources to DKMS, which builds and installs the module of the
// edition that was asked for.
func TestKernelsDKMS(t *testing.T) {
	for _, k := range vmtest.Kernels(t) {
		if k.Name != "6.1" {
			continue
		}
		headers, version := k.Headers(t)
		root, err := debian.Tree{Name: "dkms", Suites: []string{"bookworm"}, Packages: []string{"dkms"}, Follow: regexp.MustCompile("^$")}.Fetch()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		run := func(name string, args ...string) {
			t.Helper()
			if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
		}
		run("make", "-C", "module", "dkms", "DESTDIR="+dir, "EDITION=0.36", "MODULE=other", "VERSION=1.2.3")
		for _, d := range []string{"tree", "install/" + version} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		run("bash", root+"/usr/sbin/dkms", "install", "-m", "lanner-other", "-v", "1.2.3", "-k", version, "--no-depmod",
			"--kernelsourcedir", headers, "--sourcetree", dir+"/usr/src", "--dkmstree", dir+"/tree", "--installtree", dir+"/install")
		found, _ := filepath.Glob(dir + "/install/" + version + "/*/*/other.ko*")
		if len(found) == 0 {
			found, _ = filepath.Glob(dir + "/install/" + version + "/*/other.ko*")
		}
		if len(found) != 1 {
			t.Fatalf("%d modules were installed", len(found))
		}
		module, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"vermagic=" + version + " ", "\x00version=1.2.3\x00", "license=Dual MIT/GPL"} {
			if !bytes.Contains(module, []byte(want)) {
				t.Errorf("the module does not say %q", want)
			}
		}
	}
}
