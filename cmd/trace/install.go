package main

import (
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
		ArgsUsage: "DIR",
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
	if err != nil {
		return plain("write into", err)
	}
	defer func() {
		if err != nil {
			to.Close()
			os.Remove(to.Name())
		}
	}()
	if _, err = io.Copy(to, from); err != nil {
		return fmt.Errorf("copy to %s: %w", dir, err)
	}
	if err = to.Chmod(0o755); err != nil {
		return plain("make executable", err)
	}
	if err = to.Close(); err != nil {
		return plain("write", err)
	}
	return os.Rename(to.Name(), filepath.Join(dir, "trace"))
}
