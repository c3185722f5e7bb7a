// Package inject puts trace before the entrypoints of containers.
//
// In a nutshell: a workload says how its containers start, in the words of its
// platform; the packages below (k8s, ...) read that as a Start, have it wrapped here,
// and write it back with what else the platform needs to bring trace into the
// container. Workloads go in, workloads come out; nothing here talks to the world but
// an Entrypoints, which looks up what an image would start.
//
// A wrapped Start begins with the program DIR/trace, followed by its options:
//
//	DIR/trace [OPTION...] -- ENTRYPOINT...                                  where the workload names the program
//	DIR/trace run-entrypoint [OPTION...] --entrypoints COMMANDS -- ...      where it is the image's own
//
// The arguments are never touched: in both forms the platform appends them. So what a
// container was before can be told from what it is now, and nothing else is kept:
// without the prefix it is the first form's entrypoint, and none at all in the second.
package inject

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mattn/go-shellwords"
)

// A Start is what a workload says of how a container starts.
type Start struct {
	Entrypoint []string // the program and its first arguments; nil: the image's ENTRYPOINT; empty: none
	Args       []string // what follows it; empty: the image's CMD if Entrypoint is nil, else nothing
}

// Options are the same on all platforms.
type Options struct {
	Dir         string              // where trace is in a container, an absolute path
	TraceImage  string              // the image that brings it
	Trace       []string            // options for trace
	Containers  []string            // which containers, by name; empty: all
	Exclude     []string            // which ones not
	Entrypoints Entrypoints         // nil: containers that start what their image says are skipped
	Escape      func(string) string // writes text so that the platform, which expands variables, reads it; nil: it does not
}

// Defaults of Options.
const (
	DefaultDir   = "/lanner"
	DefaultImage = "ghcr.io/lannerhq/trace:latest"
)

// The words by which a wrapped Start is known.
const (
	program       = "trace"
	runEntrypoint = "run-entrypoint"
	entrypoints   = "--entrypoints"
	end           = "--"
)

// Check reports what is wrong with the options, as one clear line.
func (o *Options) Check() error {
	switch {
	case !path.IsAbs(o.Dir) || path.Clean(o.Dir) != o.Dir || o.Dir == "/":
		return fmt.Errorf("the directory for trace must be an absolute path, not %q", o.Dir)
	case strings.ContainsAny(o.Dir, ":$\x00"):
		return fmt.Errorf("the directory for trace can't have ':' or '$' in it: %q", o.Dir)
	case o.TraceImage == "" || strings.ContainsAny(o.TraceImage, " \t\n"):
		return fmt.Errorf("%q is no image reference", o.TraceImage)
	case slices.Contains(o.Trace, end):
		return errors.New("options for trace can't have -- among them: what follows it is the command")
	}
	return nil
}

// Words splits options for trace that are given as one text, as a shell does.
func Words(text string) ([]string, error) {
	p := shellwords.NewParser()
	words, err := p.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q has a quote or a bracket without its match", text)
	case p.Position >= 0: // where an operator ended it (github.com/mattn/go-shellwords)
		return nil, fmt.Errorf("%q: to a shell it ends before %q, which has to be quoted", text, string([]rune(text)[p.Position:]))
	}
	return words, nil
}

// A Skip is the reason why a container stays as it is.
type Skip string

func (s Skip) Error() string { return string(s) }

// Chosen returns nil for a container that the options choose, else why not.
func (o *Options) Chosen(container string) error {
	switch {
	case slices.Contains(o.Exclude, container):
		return Skip("excluded")
	case len(o.Containers) > 0 && !slices.Contains(o.Containers, container):
		return Skip("not among the chosen containers")
	}
	return nil
}

// Wrap returns the entrypoint that starts what s starts under trace. s must not be
// wrapped already. Any error is a reason to skip the container.
func (o *Options) Wrap(ctx context.Context, s Start, img Image) ([]string, error) {
	p := path.Join(o.Dir, program)
	options := o.escaped(o.Trace...)
	switch {
	case len(s.Entrypoint) > 0, s.Entrypoint != nil && len(s.Args) > 0:
		return slices.Concat([]string{p}, options, []string{end}, s.Entrypoint), nil
	case o.Entrypoints == nil:
		return nil, Skip(fmt.Sprintf("its command is that of image %s, which was not looked up", img.Name))
	}
	found, err := o.Entrypoints.Entrypoints(ctx, img)
	if err != nil {
		return nil, err
	}
	if err := found.check(s, img); err != nil {
		return nil, err
	}
	return slices.Concat([]string{p, runEntrypoint}, options, []string{entrypoints}, o.escaped(found.String()), []string{end}), nil
}

func (o *Options) escaped(words ...string) []string {
	words = slices.Clone(words)
	if o.Escape != nil {
		for i, w := range words {
			words[i] = o.Escape(w)
		}
	}
	return words
}

// Wrapped reports whether an entrypoint is one of ours, with trace in dir.
func Wrapped(entrypoint []string, dir string) bool {
	return len(entrypoint) > 0 && entrypoint[0] == path.Join(dir, program) && slices.Contains(entrypoint, end)
}

// Unwrap returns what an entrypoint of ours was before: nil if it was the image's own.
func Unwrap(entrypoint []string) []string {
	if len(entrypoint) > 1 && entrypoint[1] == runEntrypoint {
		return nil
	}
	return entrypoint[slices.Index(entrypoint, end)+1:]
}
