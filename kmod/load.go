package kmod

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// An Info is what the file of a module says of itself.
type Info struct {
	Release     string // of the kernel that it was built for, as uname -r has it
	API, Schema string
	Profile     spec.Profile // edition of its events
}

var errNoModule = errors.New("this is no module of ours")

// maxModule is more than a module has, bytes.
const maxModule = 64 << 20

// Inspect reads what the file of a module says of itself. It may be anybody's.
func Inspect(file string) (*Info, error) {
	_, info, err := readModule(file)
	return info, err
}

// readModule reads the file of a module, which is loaded from what was looked at.
func readModule(file string) ([]byte, *Info, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: this is no file", file)
	}
	image, err := io.ReadAll(io.LimitReader(f, maxModule))
	if err != nil {
		return nil, nil, err
	}
	info, err := parseModule(image)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return image, info, nil
}

func parseModule(image []byte) (*Info, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, errNoModule
	}
	section := f.Section(".modinfo")
	if section == nil || section.Type == elf.SHT_NOBITS || section.Size > uint64(len(image)) {
		return nil, errNoModule
	}
	text, err := section.Data()
	if err != nil {
		return nil, errNoModule
	}
	fields := make(map[string]string)
	for field := range strings.SplitSeq(string(text), "\x00") {
		if key, value, ok := strings.Cut(field, "="); ok {
			fields[key] = value
		}
	}
	info := &Info{API: fields["api"], Schema: fields["schema"]}
	info.Release, _, _ = strings.Cut(fields["vermagic"], " ")
	for i := range layouts {
		if l := &layouts[i]; majorIs(info.API, l.api) && majorIs(info.Schema, l.schema) {
			info.Profile = l.in
			return info, nil
		}
	}
	return nil, errNoModule
}

// majorIs reports whether a version starts with a number.
func majorIs(version string, n uint64) bool {
	return strings.HasPrefix(version, fmt.Sprint(n)+".")
}

// Running asks the module that is loaded what it is; false: there is none, or it can't be
// asked, which takes root and room for one more reader.
func Running() (*Info, bool) {
	runtime.LockOSThread() // upstream's module answers only the thread that has opened a device
	defer runtime.UnlockOSThread()
	fd, err := unix.Open("/dev/"+Name+"0", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	var api, schema version
	for nr, to := range map[uintptr]*version{getAPIVersion: &api, getSchemaVersion: &schema} {
		if _, err := ioctl(fd, nr, uintptr(unsafe.Pointer(to))); err != nil {
			return nil, false
		}
	}
	l, err := findLayout(api, schema)
	if err != nil {
		return nil, false
	}
	return &Info{API: api.String(), Schema: schema.String(), Profile: l.in}, true
}

// Load puts the module of a file into the kernel, which must be the one that it was built
// for.
func Load(file string) error {
	image, info, err := readModule(file)
	if err != nil {
		return err
	}
	var uts unix.Utsname
	_ = unix.Uname(&uts) // can't fail
	if release := unix.ByteSliceToString(uts.Release[:]); info.Release != release {
		return fmt.Errorf("%s was built for Linux %s, and this is %s", file, info.Release, release)
	}
	if err := unix.InitModule(image, ""); err != nil {
		return refused(file, err)
	}
	return nil
}

var errNoModules = errors.New("this kernel takes no modules (it was built without CONFIG_MODULES)")

// refused words why the kernel does not take a module (kernel/module/main.c: load_module).
func refused(file string, err error) error {
	switch {
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("a module %s is loaded already: trace driver unload kmod", Name)
	case errors.Is(err, unix.EKEYREJECTED), errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EBADMSG):
		return fmt.Errorf("this kernel takes no module that is not signed with a key it knows: sign %s (the kernel's scripts/sign-file, and mokutil for the key)", file)
	case errors.Is(err, unix.EPERM):
		return errors.New(forbidden())
	case errors.Is(err, unix.ENOEXEC), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("this kernel does not take %s: it was not built with its headers, see dmesg", file)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("this kernel lacks what %s uses, see dmesg", file)
	case errors.Is(err, unix.ENOSYS):
		return errNoModules
	}
	return fmt.Errorf("load %s: %w", file, err)
}

// forbidden says why modules may not be loaded or unloaded.
func forbidden() string {
	if b, err := os.ReadFile("/proc/sys/kernel/modules_disabled"); err == nil && strings.TrimSpace(string(b)) == "1" {
		return "modules can't be loaded or unloaded until the next boot (the sysctl kernel.modules_disabled is set)"
	}
	if b, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil && !strings.Contains(string(b), "[none]") {
		return "the kernel is locked down and takes only signed modules: sign it, or boot with lockdown=none"
	}
	return "trace may not load or unload modules: run it as root (CAP_SYS_MODULE)"
}

// Unload takes the module out of the kernel.
func Unload() error {
	err := unix.DeleteModule(Name, unix.O_NONBLOCK)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("the module %s is not loaded", Name)
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EBUSY):
		return fmt.Errorf("the module %s is in use: end what reads /dev/%s* first (fuser /dev/%s*)", Name, Name, Name)
	case errors.Is(err, unix.EPERM):
		return errors.New(forbidden())
	case errors.Is(err, unix.ENOSYS):
		return errNoModules
	}
	return fmt.Errorf("unload %s: %w", Name, err)
}
