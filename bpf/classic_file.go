package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A ProbeError says what is wrong with the file of a classic probe.
type ProbeError struct {
	File string
	In   spec.Profile // that it was wanted for
	Err  error
}

func (e *ProbeError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *ProbeError) Unwrap() error { return e.Err }

// CheckClassic looks at the file of a classic probe and says what speaks against using it
// on a kernel for an edition; the error is a *ProbeError.
func CheckClassic(file string, in spec.Profile, release string) error {
	_, err := readClassic(file, in, release)
	return err
}

// InspectClassic returns the release and the schema that a probe was built for, empty if
// the file is none.
func InspectClassic(file string) (release, schema string) {
	o, err := loadObject(file)
	if err != nil {
		return "", ""
	}
	return o.kernel, versionText(o.schema)
}

// VerifyClassic has the kernel check all programs of a probe, and attaches none.
func VerifyClassic(file string, in spec.Profile) error {
	o, err := readClassic(file, in, release())
	if err != nil {
		return err
	}
	d := &Classic{reader: reader{sleeper: newSleeper()}, obj: o, maps: make(map[string]*ebpf.Map)}
	defer d.release()
	if d.numCPU, err = ebpf.PossibleCPU(); err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	if err := raiseMemlock(); err != nil {
		return err
	}
	if err := d.makeMaps(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.programs)) {
		if strings.HasPrefix(o.programs[name].hook, filledPrefix) {
			err = d.fillTail(0, name)
		} else {
			var p *ebpf.Program
			if p, err = d.program(name); err == nil {
				p.Close()
			}
		}
		if err != nil {
			return oneLine(err)
		}
	}
	return nil
}

func readClassic(file string, in spec.Profile, release string) (*classicObject, error) {
	o, err := loadObject(file)
	if err != nil {
		return nil, &ProbeError{file, in, err}
	}
	if err := o.check(in, release); err != nil {
		return nil, &ProbeError{file, in, err}
	}
	return o, nil
}

func loadObject(file string) (*classicObject, error) {
	f, err := os.Open(file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("this is no file")
	case privileged() && (st.Sys().(*syscall.Stat_t).Uid != 0 || st.Mode()&0o022 != 0):
		return nil, errors.New("trace has more rights than its user: the probe has to be root's, and for nobody else to write")
	}
	return parseClassic(f)
}

// privileged reports whether this program has rights from its file that its user does not
// have (getauxval(3), AT_SECURE): then a probe of the user's choice would hand them on.
func privileged() bool {
	const atSecure = 23
	list, err := unix.Auxv()
	for _, pair := range list {
		if pair[0] == atSecure {
			return pair[1] != 0
		}
	}
	return err != nil
}

// check compares what the probe was compiled for with what is wanted. The versions are
// compatible if the first numbers are equal and the probe's are not smaller.
func (o *classicObject) check(in spec.Profile, release string) error {
	api, schema := classic.Versions(in)
	if o.schema>>44 != schema>>44 || o.schema < schema {
		return fmt.Errorf("the probe has schema %s, and profile %v needs %s", versionText(o.schema), in, versionText(schema))
	}
	if o.api>>44 != api>>44 || o.api < api {
		return fmt.Errorf("the probe has API %s, and this program needs %s", versionText(o.api), versionText(api))
	}
	if o.kernel != release {
		return fmt.Errorf("the probe was built for Linux %s, and this is %s", o.kernel, release)
	}
	return nil
}

// release is that of the running kernel.
func release() string {
	var uts unix.Utsname
	_ = unix.Uname(&uts) // can't fail
	return unix.ByteSliceToString(uts.Release[:])
}
