package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/dockerfile"
)

func dockerfileFormat() format {
	return format{
		name: "dockerfile", usage: "Dockerfiles", description: dockerfileDescription,
		flags: append(commonFlags(), &cli.StringSliceFlag{Name: "stage", Category: catWhat, Usage: "wrap stage `NAME` instead of the last one (may be given again)"}),
		rewriter: func(c *cli.Context) (rewriter, error) {
			common, err := commonOptions(c)
			if err != nil {
				return nil, err
			}
			if len(common.Containers)+len(common.Exclude) > 0 {
				return nil, usage("a Dockerfile has stages, not containers: --stage NAME")
			}
			common.Containers = c.StringSlice("stage")
			return func(text []byte) ([]byte, []inject.Result, error) {
				return dockerfile.Rewrite(context.Background(), text, dockerfile.Options{Options: common}, false)
			}, nil
		},
		remove: func(text []byte) ([]byte, []inject.Result, error) {
			return dockerfile.Rewrite(context.Background(), text, dockerfile.Options{}, true)
		},
	}
}

const dockerfileDescription = `A Dockerfile. The last stage, or those of --stage, get a few lines at their end, between
   two comments: a COPY of trace from its image, and an ENTRYPOINT that starts with it.
   An ENTRYPOINT that was in the stage becomes a comment. Where the base image's own
   entrypoint is what starts, it is looked up; ARGs in its name have their defaults.

EXAMPLES:
   inject dockerfile Dockerfile | docker build -f - .
   inject dockerfile --diff --trace '-e execve,connect' Dockerfile
   inject dockerfile -i --stage final Dockerfile
   inject uninject dockerfile -i Dockerfile`
