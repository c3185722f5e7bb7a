package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/internal/headers"
	"github.com/lannerhq/lanner/kernel/event/spec"
	"github.com/lannerhq/lanner/kmod"
)

// A Half is the half of a driver that runs in the kernel, and is made for one kernel and
// one edition: the classic probe, or the module.
type Half struct {
	Driver  string // ClassicBPF or Module
	Profile spec.Profile
	Legacy  bool   // module: the devices of March 2022, of edition 0.36
	File    string // empty: where it belongs, see path
}

// A Build says what to build it for.
type Build struct {
	Half
	Release string // of the kernel, as uname -r has it; empty: the running one
	Headers string // directory of its headers; empty: where distributions put them
	URL     string // where somebody has built it, see expand; empty: it is built here
}

// machines are what the kernel calls the machines.
var machines = map[string]string{"amd64": "x86", "arm64": "arm64"}

// names are the drivers in words.
var names = map[string]string{ClassicBPF: "classic probe", Module: "module"}

// Make builds or fetches it and returns what is in its file then.
func (b Build) Make(ctx context.Context) (*Artifact, error) {
	if b.Headers == "" { // they say what they are of
		b.Release = cmp.Or(b.Release, Look().Release)
	}
	to, err := b.path()
	if err != nil {
		return nil, err
	}
	b.File = to
	if b.URL != "" {
		err = b.fetch(ctx, to)
	} else {
		err = b.compile(ctx, to)
	}
	if err != nil {
		return nil, err
	}
	a := b.inspect(b.Release)
	return &a, nil
}

func (b *Build) compile(ctx context.Context, to string) error {
	h, err := b.findHeaders()
	if err != nil {
		return err
	}
	b.Release = h.Release
	if b.Driver == Module {
		err = kmod.Build(ctx, h, b.edition(), to)
	} else {
		err = classic.Build(ctx, h, b.Profile, to)
	}
	if err != nil {
		return fmt.Errorf("build the %s for Linux %s: %w", names[b.Driver], h.Release, err)
	}
	return nil
}

func (b *Build) findHeaders() (*headers.Tree, error) {
	machine := machines[runtime.GOARCH]
	if b.Headers == "" {
		return headers.Find(b.Release, machine)
	}
	h, err := headers.Open(b.Headers, machine)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no headers in %s: it should be what modules are built against, as /lib/modules/RELEASE/build", b.Headers)
	}
	if err == nil && b.Release != "" && b.Release != h.Release {
		return nil, fmt.Errorf("%s has the headers of Linux %s, not of %s", b.Headers, h.Release, b.Release)
	}
	return h, err
}

// edition is what the module's Kbuild calls it.
func (h *Half) edition() string {
	switch {
	case h.Legacy:
		return kmod.Legacy
	case h.Profile == spec.V036:
		return kmod.V036
	}
	return kmod.Current
}

// path returns the file, which is the one that was named, or where Open and Load look.
func (h *Half) path() (string, error) {
	switch {
	case h.File != "":
		return h.File, nil
	case h.Driver == ClassicBPF:
		return ProbeFile(h.Profile)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("the module is in the home directory, and HOME is not set: name its file")
	}
	name := kmod.Name
	if e := h.edition(); e != kmod.Current {
		name += "-" + e
	}
	return filepath.Join(home, ".lanner", name+".ko"), nil
}
