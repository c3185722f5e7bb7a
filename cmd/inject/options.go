package main

import (
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
)

// Categories of options.
const (
	catFiles = "files"
	catWhat  = "what is wrapped"
	catHow   = "how"
	catImage = "images' own commands"
)

// wrapFlags are for whatever wraps containers.
func wrapFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "container", Category: catWhat, Usage: "wrap container `NAME` only (may be given again)"},
		&cli.StringSliceFlag{Name: "exclude", Category: catWhat, Usage: "don't wrap container `NAME` (may be given again)"},
		&cli.StringFlag{Name: "trace", Category: catHow, Usage: "`OPTIONS` for trace, quoted as for a shell: '-e execve --json'"},
		&cli.StringFlag{Name: "trace-image", Category: catHow, Value: traceImage(), Usage: "the `IMAGE` that brings trace"},
		&cli.StringFlag{Name: "trace-dir", Category: catHow, Value: inject.DefaultDir, Usage: "where trace is in containers: `DIR`"},
	}
}

// released matches versions that images are published for.
var released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// traceImage is the image of our own version, where there is one.
func traceImage() string {
	if !released.MatchString(release) {
		return inject.DefaultImage
	}
	name, _, _ := strings.Cut(inject.DefaultImage, ":")
	return name + ":" + release
}

// commonFlags are wrapFlags for who can look images up too.
func commonFlags() []cli.Flag { return append(wrapFlags(), lookupFlags()...) }

// commonOptions reads commonFlags.
func commonOptions(c *cli.Context) (inject.Options, error) {
	o, err := wrapOptions(c)
	if err == nil {
		o.Entrypoints, err = lookup(c)
	}
	return o, err
}

// wrapOptions reads wrapFlags.
func wrapOptions(c *cli.Context) (inject.Options, error) {
	o := inject.Options{
		Dir: c.String("trace-dir"), TraceImage: c.String("trace-image"),
		Containers: c.StringSlice("container"), Exclude: c.StringSlice("exclude"),
	}
	var err error
	if o.Trace, err = inject.Words(c.String("trace")); err != nil {
		return o, usage("--trace " + err.Error())
	}
	if err := o.Check(); err != nil {
		return o, usage(err.Error())
	}
	return o, nil
}
