// Package headers finds the headers that a distribution has for a kernel.
//
// In a nutshell: Find looks where distributions put them, for what "make modules" would
// be given; Open takes a directory. A Tree knows where in it a compiler has to look.
package headers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Tree is the headers of a kernel, ready for building modules.
type Tree struct {
	Build   string // directory with what was generated
	Source  string // that of the sources; often the same
	Machine string // as the kernel's sources call it: x86, arm64
	Release string // as uname -r has it
}

// A MissingError says that there are no headers of a kernel, and what has them.
type MissingError struct {
	Release string
	Package string // name of the package that has them
	Install string // command that installs it
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("no headers of Linux %s: %s (package %s), or --headers DIR", e.Release, e.Install, e.Package)
}

// Find looks for the headers of a release, for a machine as the kernel calls it.
func Find(release, machine string) (*Tree, error) { return find("", release, machine) }

func find(root, release, machine string) (*Tree, error) {
	for _, dir := range []string{
		"/lib/modules/" + release + "/build", "/usr/lib/modules/" + release + "/build",
		"/usr/src/linux-headers-" + release, "/usr/src/kernels/" + release,
	} {
		t, err := Open(root+dir, machine)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case t.Release != release:
			return nil, fmt.Errorf("%s has the headers of Linux %s, not of %s", root+dir, t.Release, release)
		}
		return t, nil
	}
	return nil, missing(root, release)
}

// missing tells what package has the headers, by the kind of distribution.
func missing(root, release string) error {
	text, _ := os.ReadFile(root + "/etc/os-release")
	like := ""
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key == "ID" || key == "ID_LIKE" {
			like += " " + strings.Trim(value, `"`) + " "
		}
	}
	for _, rpm := range []string{" fedora ", " rhel ", " centos ", " amzn "} {
		if strings.Contains(like, rpm) {
			return &MissingError{release, "kernel-devel-" + release, "dnf install kernel-devel-" + release}
		}
	}
	if strings.Contains(like, " suse ") || strings.Contains(like, " opensuse ") {
		return &MissingError{release, "kernel-devel", "zypper install kernel-devel"}
	}
	return &MissingError{release, "linux-headers-" + release, "apt-get install linux-headers-" + release}
}

var (
	include  = regexp.MustCompile(`(?m)^include (/\S+)/Makefile$`)
	utsname  = regexp.MustCompile(`(?m)^#define UTS_RELEASE "([^"]+)"`)
	machines = map[string]string{"x86": "X86_64", "arm64": "ARM64"}
)

// Open takes a directory of headers. The error is fs.ErrNotExist if there is none.
func Open(dir, machine string) (*Tree, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(dir + "/include/generated/utsrelease.h")
	if err != nil {
		return nil, fmt.Errorf("%s has no headers that are prepared for building modules: %w", dir, err)
	}
	m := utsname.FindSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%s/include/generated/utsrelease.h does not say what kernel it is", dir)
	}
	t := &Tree{Build: dir, Source: dir, Machine: machine, Release: string(m[1])}
	// Debian shares sources among flavours: the makefile says where they are.
	text, _ = os.ReadFile(dir + "/Makefile")
	if m := include.FindSubmatch(text); m != nil {
		t.Source = beside(dir, string(m[1]))
	} else if at, err := filepath.EvalSymlinks(dir + "/source"); err == nil {
		t.Source = at
	}
	if _, err := os.Stat(t.Source + "/include/linux/kconfig.h"); err != nil {
		return nil, fmt.Errorf("%s needs the sources in %s, which are not there", dir, t.Source)
	}
	config, _ := os.ReadFile(dir + "/include/generated/autoconf.h")
	if option := machines[machine]; option != "" && !strings.Contains(string(config), "#define CONFIG_"+option+" 1\n") {
		return nil, fmt.Errorf("%s has the headers of another machine than %s", dir, machine)
	}
	return t, nil
}

// beside returns where sources are that a makefile names: there, or, if all was unpacked
// below another root, below that.
func beside(dir, named string) string {
	if root, _, found := strings.Cut(dir, "/usr/src/"); found && strings.HasPrefix(named, "/usr/src/") && root != "" {
		return root + named
	}
	return named
}

// Includes returns the arguments that a compiler needs to find the headers, in the order
// of the kernel's Makefile (LINUXINCLUDE).
func (t *Tree) Includes() (args []string) {
	for _, d := range []string{
		t.Source + "/arch/" + t.Machine + "/include", t.Build + "/arch/" + t.Machine + "/include/generated",
		t.Source + "/include", t.Build + "/include",
		t.Source + "/arch/" + t.Machine + "/include/uapi", t.Build + "/arch/" + t.Machine + "/include/generated/uapi",
		t.Source + "/include/uapi", t.Build + "/include/generated/uapi",
	} {
		args = append(args, "-I"+d)
	}
	for _, name := range []string{"compiler-version.h", "kconfig.h", "compiler_types.h"} { // the first is since 5.14
		if _, err := os.Stat(t.Source + "/include/linux/" + name); err == nil {
			args = append(args, "-include", t.Source+"/include/linux/"+name)
		}
	}
	return args
}
