package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/kernel/event/spec"
	"github.com/lannerhq/lanner/kmod"
)

// An Artifact is a Half that was built, and whether it can be used here.
type Artifact struct {
	Driver  string `json:"driver"`
	Profile string `json:"profile"`
	File    string `json:"file"`
	Kernel  string `json:"kernel"` // release that it was built for; empty if it can't be read
	Schema  string `json:"schema"`
	Loaded  bool   `json:"loaded"` // the module only: it is in the kernel
	Usable  bool   `json:"usable"`
	Why     string `json:"why"`    // it can't be used on this kernel
	Change  string `json:"change"` // what would help

	wrong string // what is wrong with the file, without its name
}

// Artifacts returns what there is of drivers that have to be built, for each edition.
func Artifacts() (list []Artifact) {
	for _, driver := range []string{ClassicBPF, Module} {
		for _, in := range []spec.Profile{spec.Current, spec.V036} {
			h := Half{Driver: driver, Profile: in}
			file, err := h.path()
			if err != nil {
				list = append(list, Artifact{Driver: driver, Profile: in.String(), Why: err.Error()})
				continue
			}
			h.File = file
			list = append(list, h.status())
		}
	}
	return list
}

// status looks at the file and at the kernel. A module that is loaded can be used, wherever
// it came from.
func (h *Half) status() Artifact {
	a := h.inspect(Look().Release)
	if h.Driver != Module {
		return a
	}
	if running, ok := kmod.Running(); ok && running.Profile == h.Profile {
		a.Loaded, a.Usable, a.Why, a.Change = true, true, "", ""
	}
	return a
}

// inspect looks at the file, for a kernel of a release.
func (h *Half) inspect(release string) Artifact {
	a := Artifact{Driver: h.Driver, Profile: h.Profile.String(), File: h.File}
	if h.Driver == Module {
		h.inspectModule(&a, release)
	} else {
		a.Kernel, a.Schema = bpf.InspectClassic(h.File)
		err := bpf.CheckClassic(h.File, h.Profile, release)
		a.Why, a.Change = classicFile(err)
		var wrong *bpf.ProbeError
		if errors.As(err, &wrong) {
			a.wrong = wrong.Err.Error()
		}
	}
	a.Usable = a.Why == ""
	return a
}

func (h *Half) inspectModule(a *Artifact, release string) {
	info, err := kmod.Inspect(h.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.Why = "there is no module " + h.File
	case err != nil:
		a.Why, a.wrong = err.Error(), strings.TrimPrefix(err.Error(), h.File+": ")
	default:
		a.Kernel, a.Schema = info.Release, info.Schema
		switch {
		case info.Profile != h.Profile:
			a.wrong = fmt.Sprintf("the module has schema %s, which is not that of profile %v", info.Schema, h.Profile)
		case info.Release != release:
			a.wrong = fmt.Sprintf("the module was built for Linux %s, and this is %s", info.Release, release)
		}
		if a.wrong != "" {
			a.Why = h.File + ": " + a.wrong
		}
	}
	if a.Why == "" {
		return
	}
	a.Change = h.buildCommand()
	if info != nil && info.Profile != h.Profile {
		a.Change = fmt.Sprintf("use --profile %v, or %s", info.Profile, a.Change)
	}
}

// buildCommand is what to type to have it built.
func (h *Half) buildCommand() string {
	command := "trace driver build " + h.Driver
	if h.Profile == spec.V036 {
		command += " --profile 0.36"
	}
	if h.Legacy {
		command += " --legacy"
	}
	return command
}

// Load puts the module into the kernel. The classic probe is checked by the kernel and
// given back: it is loaded only while it is used.
func (h Half) Load() (*Artifact, error) {
	file, err := h.path()
	if err != nil {
		return nil, err
	}
	h.File = file
	if h.Driver == Module {
		if a := h.inspect(Look().Release); !a.Usable {
			return nil, fmt.Errorf("%s (%s)", a.Why, a.Change)
		}
		if err := kmod.Load(file); err != nil {
			return nil, err
		}
	} else if err := bpf.VerifyClassic(file, h.Profile); err != nil {
		c := candidate{ClassicBPF, classicBPF, openClassic}
		return nil, errors.New(c.explain(err).String())
	}
	a := h.status()
	return &a, nil
}

// Unload takes the module out of the kernel.
func Unload() error { return kmod.Unload() }
