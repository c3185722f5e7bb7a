package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// entrypointCommand starts what an image would have started. It is for containers
// whose command is the image's: who puts trace before it has to say what that is, and
// an image may have another one on each platform.
func entrypointCommand() *cli.Command {
	return &cli.Command{
		Name:      "run-entrypoint",
		Usage:     "run an image's own command and trace it; inject writes this",
		UsageText: "trace run-entrypoint [options] --entrypoints COMMANDS -- [ARG...]",
		Description: `COMMANDS is a JSON object with the commands of an image by platform (os/arch, or
   os/arch/variant; * is any), as the image's configuration has them:

      {"linux/amd64": {"entrypoint": ["/app"], "cmd": ["serve"]}, "linux/arm64": ...}

   The command is that of the machine's platform, or the only one that there is. ARGs
   take the place of its cmd.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "entrypoints", Usage: "an image's `COMMANDS` by platform, JSON"},
		}, commandFlags()...),
		OnUsageError:    usageError,
		HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if !c.IsSet("entrypoints") {
				return usage("trace run-entrypoint takes --entrypoints")
			}
			argv, err := entrypoint(c.String("entrypoints"), runtime.GOOS+"/"+runtime.GOARCH, c.Args().Slice())
			if err != nil {
				return err
			}
			return traceCommand(c, argv)
		},
	}
}

// anyPlatform is the key of a command that does not depend on the platform.
const anyPlatform = "*"

// entrypoint returns the command to run on a platform (os/arch), with the arguments
// that the workload gives.
func entrypoint(commands, platform string, args []string) ([]string, error) {
	var images map[string]struct{ Entrypoint, Cmd []string }
	if err := json.Unmarshal([]byte(commands), &images); err != nil {
		return nil, usage(fmt.Sprintf("--entrypoints: not the commands of an image: %v", err))
	}
	platforms := slices.Sorted(maps.Keys(images))
	at := slices.IndexFunc(platforms, func(p string) bool { return p == platform || p == anyPlatform })
	if at < 0 {
		at = slices.IndexFunc(platforms, func(p string) bool { return strings.HasPrefix(p, platform+"/") })
	}
	switch {
	case at >= 0:
	case len(platforms) == 1:
		at = 0
	default:
		return nil, failure{fmt.Errorf("the image has no command for %s, only for %s", platform, strings.Join(platforms, ", ")), codeNotFound}
	}
	image := images[platforms[at]]
	if len(args) == 0 {
		args = image.Cmd
	}
	argv := slices.Concat(image.Entrypoint, args)
	if len(argv) == 0 {
		return nil, failure{errors.New("the image has no command for " + platforms[at] + ", and none was given"), codeNotFound}
	}
	return argv, nil
}
