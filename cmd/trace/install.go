package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// installCommand copies the program, for images without a package manager.
func installCommand() *cli.Command {
	return &cli.Command{
		Name:      "install",
		Usage:     "copy trace into DIR",
		UsageText: "trace install DIR",
		Description: `Writes DIR/trace, from where it runs in any container that DIR is mounted in: the
   program needs nothing but itself. What is there already is replaced in one step.`,
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usage("trace install takes one DIR")
			}
			return install(c.Args().First())
		},
	}
}

// install writes a copy beside its final name and then renames it, so that no
// one ever sees half of it.
func install(dir string) (err error) {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return plain("open", err)
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, ".trace-*")
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("write into %s: %w", dir, pe.Err)
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			to.Close()
			os.Remove(to.Name())
		}
	}()
	if _, err = io.Copy(to, from); err != nil {
		return plain("copy to", err)
	}
	if err = to.Chmod(0o755); err != nil {
		return plain("make executable", err)
	}
	if err = to.Close(); err != nil {
		return plain("write", err)
	}
	if err = os.Rename(to.Name(), filepath.Join(dir, "trace")); err != nil {
		err = fmt.Errorf("replace %s: %w", filepath.Join(dir, "trace"), err.(*os.LinkError).Err)
	}
	return err
}
