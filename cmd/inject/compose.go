package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/compose"
)

func composeFormat() format {
	return format{
		name: "compose", usage: "Compose files", description: composeDescription,
		flags: append([]cli.Flag{
			sysPtraceFlag("never", "add the capability SYS_PTRACE, for containers that change their user: never or always"),
			&cli.BoolFlag{Name: "image-volume", Category: catHow, Usage: "mount the trace image as a volume (Docker Engine 28, Compose 2.35), without a service that installs"},
		}, commonFlags()...),
		rewriter: func(c *cli.Context) (rewriter, error) {
			common, err := commonOptions(c)
			if err != nil {
				return nil, err
			}
			ptrace, err := sysPtrace(c)
			if err != nil {
				return nil, err
			}
			o := compose.Options{Options: common, Ptrace: ptrace, ImageVolume: c.Bool("image-volume")}
			return func(text []byte) ([]byte, []inject.Result, error) {
				return compose.Rewrite(context.Background(), text, o, false)
			}, nil
		},
		remove: func(text []byte) ([]byte, []inject.Result, error) {
			return compose.Rewrite(context.Background(), text, compose.Options{}, true)
		},
	}
}

const composeDescription = `A Compose file. The service lanner-install copies trace into the volume lanner when it
   is started; the other services depend on its success, and their entrypoints start with
   trace from there. Entrypoints that are strings stay strings, which Compose splits
   after it has put variables in. What a service takes from another one of the file that
   it extends is known; what comes from other files is not.

   With docker compose up --abort-on-container-exit the end of lanner-install would stop
   the rest: use --abort-on-container-failure, or --image-volume.

EXAMPLES:
   inject compose --entrypoints images.yaml compose.yaml | docker compose -f - up
   inject compose --explain compose.yaml
   inject compose -i --container api --trace '-e execve,connect' compose.yaml
   inject uninject compose -i compose.yaml`
