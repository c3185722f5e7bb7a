package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/lannerhq/lanner/bpf"
	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Build says what to build a driver's kernel half for.
type Build struct {
	Release string       // of the kernel, as uname -r has it; empty: the running one
	Headers string       // directory of its headers; empty: where distributions put them
	Profile spec.Profile // edition
	File    string       // to write; empty: where Open looks for it
}

// machines are what the kernel calls the machines.
var machines = map[string]string{"amd64": "x86", "arm64": "arm64"}

// BuildClassic builds the classic probe and returns what is in its file then.
func BuildClassic(ctx context.Context, b Build) (*Artifact, error) {
	if b.Release == "" {
		b.Release = Look().Release
	}
	if b.File == "" {
		var err error
		if b.File, err = ProbeFile(b.Profile); err != nil {
			return nil, err
		}
	}
	h, err := findHeaders(&b)
	if err != nil {
		return nil, err
	}
	if err := classic.Build(ctx, h, b.Profile, b.File); err != nil {
		return nil, fmt.Errorf("build the classic probe for Linux %s: %w", h.Release, err)
	}
	a := inspectClassic(b.File, b.Profile)
	return &a, nil
}

func findHeaders(b *Build) (*headers.Tree, error) {
	machine := machines[runtime.GOARCH]
	if b.Headers == "" {
		return headers.Find(b.Release, machine)
	}
	h, err := headers.Open(b.Headers, machine)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no headers in %s: it should be what modules are built against, as /lib/modules/RELEASE/build", b.Headers)
	}
	return h, err
}

// An Artifact is a driver's kernel half that was built, and whether it can be used here.
type Artifact struct {
	Driver  string `json:"driver"`
	Profile string `json:"profile"`
	File    string `json:"file"`
	Kernel  string `json:"kernel"` // release that it was built for; empty if it can't be read
	Schema  string `json:"schema"`
	Usable  bool   `json:"usable"`
	Why     string `json:"why"`    // it can't be used on this kernel
	Change  string `json:"change"` // what would help
}

// Artifacts returns what there is of drivers that have to be built, for each edition.
func Artifacts() (list []Artifact) {
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		file, err := ProbeFile(in)
		if err != nil {
			list = append(list, Artifact{Driver: ClassicBPF, Profile: in.String(), Why: err.Error()})
			continue
		}
		list = append(list, inspectClassic(file, in))
	}
	return list
}

func inspectClassic(file string, in spec.Profile) Artifact {
	a := Artifact{Driver: ClassicBPF, Profile: in.String(), File: file}
	a.Kernel, a.Schema = bpf.InspectClassic(file)
	a.Why, a.Change = classicFile(bpf.CheckClassic(file, in))
	a.Usable = a.Why == ""
	return a
}

// LoadClassic lets the kernel check all programs of the probe, and gives them back:
// nothing stays loaded but while it is used.
func LoadClassic(in spec.Profile) (*Artifact, error) {
	file, err := ProbeFile(in)
	if err == nil {
		err = bpf.VerifyClassic(file, in)
	}
	if err != nil {
		c := candidate{ClassicBPF, classicBPF, openClassic}
		return nil, errors.New(c.explain(err).String())
	}
	a := inspectClassic(file, in)
	return &a, nil
}
