package main

import (
	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
)

// lookupFlags say how the commands of images are found that workloads do not name.
func lookupFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "entrypoints", Category: catImage, Usage: "look images up in map `FILE` (YAML: IMAGE: {entrypoint: [...], cmd: [...]})"},
	}
}

// lookup reads them; nil: images are not looked up.
func lookup(c *cli.Context) (inject.Entrypoints, error) {
	if file := c.String("entrypoints"); file != "" {
		return inject.ReadMap(file)
	}
	return nil, nil
}
