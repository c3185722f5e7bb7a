package vmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// A Kernel is one of Debian's.
type Kernel struct {
	Name string // for tests: its release, and its architecture if that is not amd64
	Arch string // as Go and Debian call it
	X32  bool   // it has the x32 ABI, if its command line says syscall.x32=y

	flavour string   // as in linux-image-FLAVOUR
	suites  []string // newest first
}

// Newest is the name of a kernel that is newer than any release.
const Newest = "newest"

// kernels are what tests run on. The cloud flavours are small, and have neither
// drivers nor x32; one of the full ones is there for that. Versions vanish from
// the archive of security updates, hence the releases' own as well. Linux 5.10 is there
// twice: what was changed in it later includes what drivers meet (perf buffers can't be
// mapped twice in a row any more).
var kernels = []Kernel{
	{Name: "5.10-bullseye", Arch: "amd64", flavour: "cloud-amd64", suites: []string{"bullseye"}},
	{Name: "5.10", Arch: "amd64", X32: true, flavour: "amd64", suites: []string{"bullseye-security", "bullseye"}},
	{Name: "6.1", Arch: "amd64", flavour: "cloud-amd64", suites: []string{"bookworm-security", "bookworm"}},
	{Name: "6.12", Arch: "amd64", flavour: "cloud-amd64", suites: []string{"bookworm-backports", "trixie-security", "trixie"}},
	{Name: Newest, Arch: "amd64", flavour: "cloud-amd64", suites: []string{"sid"}},
	{Name: "6.1-arm64", Arch: "arm64", flavour: "cloud-arm64", suites: []string{"bookworm-security", "bookworm"}},
	{Name: "6.12-arm64", Arch: "arm64", flavour: "cloud-arm64", suites: []string{"bookworm-backports", "trixie-security", "trixie"}},
}

// envKernels asks for tests on other kernels: names of kernels, or "all".
const envKernels = "LANNER_TEST_KERNELS"

// Kernels returns the kernels to test on, oldest first. It skips the test unless
// such tests are asked for.
func Kernels(t *testing.T) []Kernel {
	t.Helper()
	wanted := strings.Fields(os.Getenv(envKernels))
	switch {
	case len(wanted) == 0:
		t.Skip("takes minutes: \"make test-vm\" runs this")
	case slices.Equal(wanted, []string{"all"}):
		return kernels
	}
	var chosen []Kernel
	for _, name := range wanted {
		i := slices.IndexFunc(kernels, func(k Kernel) bool { return k.Name == name })
		if i < 0 {
			t.Fatalf("%s: there is no kernel %q: %s", envKernels, name, names())
		}
		chosen = append(chosen, kernels[i])
	}
	return chosen
}

func names() string {
	var all []string
	for _, k := range kernels {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// files are those of a kernel.
type files struct {
	version string // as uname -r has it
	image   string
	modules string // directory
}

// fetch fetches the newest version of a kernel.
func (k *Kernel) fetch() (*files, error) {
	root, err := debian.Tree{
		Name: "linux-" + k.Name + "-" + k.flavour, Suites: k.suites, Arch: k.Arch,
		Packages: []string{"linux-image-" + k.flavour},
		// The image's package is empty since Linux 7: these are what it needs.
		Follow: regexp.MustCompile(`^linux-(image|binary|modules)-[0-9].*[0-9]-` + k.flavour + `$`),
	}.Fetch()
	if err != nil {
		return nil, err
	}
	images, _ := filepath.Glob(root + "/boot/vmlinuz-*")
	if len(images) == 0 {
		images, _ = filepath.Glob(root + "/usr/lib/modules/*/vmlinuz") // since Linux 7
	}
	dirs, _ := filepath.Glob(root + "/lib/modules/*/kernel")
	if len(dirs) == 0 {
		dirs, _ = filepath.Glob(root + "/usr/lib/modules/*/kernel")
	}
	if len(images) != 1 || len(dirs) != 1 {
		return nil, fmt.Errorf("%d kernels and %d directories of modules in %s, want one", len(images), len(dirs), root)
	}
	return &files{version: filepath.Base(filepath.Dir(dirs[0])), image: images[0], modules: dirs[0]}, nil
}

// module returns the file of a module, by its name or by its path.
func (f *files) module(name string) (path string, err error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	err = filepath.WalkDir(f.modules, func(at string, _ os.DirEntry, err error) error {
		if base, _, _ := strings.Cut(filepath.Base(at), ".ko"); strings.ReplaceAll(base, "-", "_") == name {
			path = at
			return filepath.SkipAll
		}
		return err
	})
	if err == nil && path == "" {
		err = fmt.Errorf("no module %s in Linux %s", name, f.version)
	}
	return path, err
}

// need skips a test for want of something that could be had, or fails it where
// everything is to be tested.
func need(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
		t.Fatal(err)
	}
	t.Skipf("%v; with CI=true or LANNER_TEST_ALL=1 this is a failure", err)
}
