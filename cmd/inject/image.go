package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/image"
)

// imageCommand puts trace into images. They are not texts, so it is not a format.
func imageCommand(remove bool) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "check", Category: catFiles, Usage: "write nothing; exit status 1 if something would change"},
		&cli.BoolFlag{Name: "diff", Category: catFiles, Usage: "print the changes of configurations instead of writing the result"},
		&cli.BoolFlag{Name: "explain", Category: catFiles, Usage: "print what becomes of each image instead of writing the result"},
		&cli.BoolFlag{Name: "json", Category: catFiles, Usage: "with --explain: as JSON"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catFiles, Usage: "don't tell on standard error what was skipped"},
		&cli.StringFlag{Name: "trace-dir", Category: catHow, Value: inject.DefaultDir, Usage: "where trace is in the image: `DIR`"},
	}
	name, description := "inject uninject image", imageUndo
	if !remove {
		name, description = "inject image", imageDescription
		flags = append(flags,
			&cli.StringFlag{Name: "trace", Category: catHow, Usage: "`OPTIONS` for trace, quoted as for a shell: '-e execve --json'"},
			&cli.StringFlag{Name: "trace-image", Category: catHow, Value: inject.DefaultImage, Usage: "the `IMAGE` that has trace, for each platform as /trace: of a registry, or a path"})
	}
	return &cli.Command{
		Name:        "image",
		Usage:       "container images: in registries, OCI layouts and archives",
		UsageText:   name + " [options] SOURCE DESTINATION",
		Description: description,
		Flags:       append(flags, registryFlags()...),

		OnUsageError:    usageError,
		HideHelpCommand: true,

		Action: func(c *cli.Context) error { return rewriteImage(c, remove) },
	}
}

const imageDescription = `Adds a layer with trace to an image, and lets its entrypoint begin with it; of an
   index, to the image of each platform that trace is made for. Nothing is run and no
   daemon is needed. What was written is printed with its digest, and those of its
   platforms.

   SOURCE and DESTINATION are names of images in registries, or paths: a directory is
   an OCI layout, a .tar file an archive of one, or what docker save wrote. They may be
   the same.

EXAMPLES:
   inject image example.com/app:1 example.com/app:1-traced
   inject image --trace '-e execve,connect --json' app.tar traced.tar
   inject image --explain nginx:1.27                      what would become of each platform
   inject image --trace-image out/images/trace-latest.tar app.tar traced.tar`

const imageUndo = `Takes out of an image what inject image put into it: the layer, and trace before the
   entrypoint. The image has the digest again that it had before.`

// rewriteImage does what imageCommand says.
func rewriteImage(c *cli.Context, remove bool) error {
	dry := c.Bool("check") || c.Bool("diff") || c.Bool("explain")
	switch n := c.Args().Len(); {
	case c.Bool("json") && !c.Bool("explain"):
		return usage("--json goes with --explain")
	case c.Bool("diff") && c.Bool("explain"):
		return usage("either --diff or --explain, not both")
	case n == 0 || n > 2:
		return usage("inject image takes SOURCE and DESTINATION")
	case n == 1 && !dry:
		return usage("inject image takes a DESTINATION, which may be the SOURCE")
	}
	w := &image.Rewriter{Options: inject.Options{Dir: c.String("trace-dir"), TraceImage: inject.DefaultImage}, Remove: remove}
	if !remove {
		w.Options.TraceImage = c.String("trace-image")
		var err error
		if w.Options.Trace, err = inject.Words(c.String("trace")); err != nil {
			return usage("--trace " + err.Error())
		}
	}
	if err := w.Options.Check(); err != nil {
		return usage(err.Error())
	}
	r, err := openRegistry(c)
	if err != nil {
		return err
	}
	options, err := r.Remote(context.Background(), inject.Image{})
	if err != nil {
		return err
	}
	if !remove {
		from, err := image.Open(w.Options.TraceImage, options)
		if err != nil {
			return fmt.Errorf("the trace image: %w", err)
		}
		defer from.Close()
		if w.Programs, err = image.NewPrograms(from); err != nil {
			return fmt.Errorf("the trace image: %w", err)
		}
	}
	in, err := image.Open(c.Args().First(), options)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := w.Rewrite(in)
	if err != nil {
		return err
	}
	if dry {
		return showImage(c, w)
	}
	return writeImage(c, w, out, options)
}

// showImage tells what would be written.
func showImage(c *cli.Context, w *image.Rewriter) error {
	var b strings.Builder
	if c.Bool("explain") {
		if err := explain(&b, w.Results, c.Bool("json")); err != nil {
			return err
		}
	}
	if c.Bool("diff") {
		for _, d := range w.Changes {
			b.WriteString(udiff.Unified(d.Platform, d.Platform, d.Before, d.After))
		}
	}
	if _, err := os.Stdout.WriteString(b.String()); err != nil {
		return err
	}
	if c.Bool("check") && len(w.Changes) > 0 {
		return errChanges
	}
	return nil
}

// writeImage writes it, and prints how it is called there.
func writeImage(c *cli.Context, w *image.Rewriter, out *image.Bundle, options []remote.Option) error {
	wrapped := slices.ContainsFunc(w.Results, func(r inject.Result) bool { return r.Action != inject.Skipped })
	for _, r := range w.Results {
		if r.Action == inject.Skipped && !c.Bool("quiet") {
			complain(errors.New(r.String()))
		}
	}
	if !wrapped && !w.Remove {
		return fmt.Errorf("%s: trace fits into none of its images; nothing was written", c.Args().First())
	}
	to := c.Args().Get(1)
	digest, err := out.Write(to, options)
	if err != nil {
		return err
	}
	if digest.Hex == "" {
		fmt.Println(to)
		return nil
	}
	fmt.Printf("%s@%s\n", to, digest)
	for _, ch := range w.Changes {
		if ch.Digest != digest {
			fmt.Printf("%s@%s %s\n", to, ch.Digest, ch.Platform)
		}
	}
	return nil
}
