package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// driverCommand builds and loads the drivers that depend on the kernel.
func driverCommand() *cli.Command {
	return &cli.Command{
		Name:  "driver",
		Usage: "build, load and look at the drivers that are made for one kernel: the classic probe (bpf) and the module (kmod)",
		Description: `Nothing is downloaded unless --url says from where: the sources are part of trace,
the kernel's headers come from the distribution, and so do the compilers: packages
clang and llvm for the probe, make and gcc for the module.

EXAMPLES:
   trace driver build bpf                        for the running kernel
   trace driver build bpf --kernel 5.10.0-32-amd64 -o probe.o
   trace driver load bpf                         does the kernel take it?
   LANNER_BPF_PROBE=probe.o trace --driver bpf ls /

   trace driver build kmod && trace driver load kmod
   trace --driver kmod ls /
   trace driver unload kmod

   trace driver build kmod --url 'https://drivers.example/{arch}/{kernel}/{driver}-{profile}.ko'`,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return cli.ShowSubcommandHelp(c)
			}
			return usage(fmt.Sprintf("trace driver takes build, load, unload or status, not %q", c.Args().First()))
		},
		Subcommands: []*cli.Command{
			{
				Name: "build", Usage: "build a driver against a kernel's headers, or fetch one that was built", Action: whichDriver,
				Subcommands: []*cli.Command{
					halfCommand(kernel.ClassicBPF, "the classic probe, with clang and llc", buildHalf, buildFlags("$LANNER_BPF_PROBE or ~/.lanner")...),
					halfCommand(kernel.Module, "the module, with make and gcc", buildHalf, append(buildFlags("~/.lanner"), legacyFlag())...),
				},
			},
			{
				Name: "load", Usage: "put a driver into the kernel", Action: whichDriver,
				Subcommands: []*cli.Command{
					halfCommand(kernel.ClassicBPF, "have the kernel check the classic probe, which stays only while a trace uses it", loadHalf),
					halfCommand(kernel.Module, "load the module; needs root", loadHalf, legacyFlag(),
						&cli.StringFlag{Name: "file", Usage: "`FILE` of the module (default: where build puts it, in ~/.lanner)"}),
				},
			},
			{
				Name: "unload", Usage: "take a driver out of the kernel", Action: whichDriver,
				Subcommands: []*cli.Command{
					{Name: kernel.ClassicBPF, Usage: "nothing: the classic probe goes with the trace that uses it", Action: unloadClassic},
					{Name: kernel.Module, Usage: "unload the module; needs root", Action: unloadModule},
				},
			},
			{
				Name: "status", Usage: "what there is of drivers, and whether it can be used here",
				Flags: []cli.Flag{jsonFlag()}, Action: driverStatus,
			},
		},
	}
}

// whichDriver is for a command line that names none.
func whichDriver(c *cli.Context) error {
	if c.NArg() == 0 {
		return cli.ShowSubcommandHelp(c)
	}
	return usage(fmt.Sprintf("trace driver %s takes bpf (the classic probe) or kmod (the module), not %q", c.Command.Name, c.Args().First()))
}

// noArguments refuses what follows a command's options.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage(fmt.Sprintf("%s takes no argument %q", c.Command.HelpName, c.Args().First()))
	}
	return nil
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "as JSON", DisableDefaultText: true}
}

func legacyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "legacy", Usage: "the devices of March 2022, for readers such as sysdig 0.29; with --profile 0.36", DisableDefaultText: true}
}

// buildFlags are those of build; place is where the file goes by default.
func buildFlags(place string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "kernel", Usage: "`RELEASE` of the kernel, as uname -r has it (default: the running one)"},
		&cli.StringFlag{Name: "headers", Usage: "`DIR` of the kernel's headers (default: /lib/modules/RELEASE/build)"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write (default: where it is looked for, " + place + ")"},
		&cli.StringFlag{Name: "url", Usage: "fetch it from `URL` instead, with curl: {driver}, {kernel}, {arch} and {profile} in it are filled in"},
	}
}

// halfCommand does something with one driver.
func halfCommand(driver, what string, action func(*cli.Context, kernel.Half) (*kernel.Artifact, string, error), flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: driver, Usage: what,
		Flags: append(flags, &cli.StringFlag{Name: "profile", Value: "current", Usage: "edition of the contract: current, or 0.36"}, jsonFlag()),
		Action: func(c *cli.Context) error {
			in, err := profile(c)
			if err := errors.Join(err, noArguments(c)); err != nil {
				return err
			}
			if c.Bool("legacy") && in != spec.V036 {
				return usage("--legacy goes with --profile 0.36: its devices are of that time")
			}
			a, text, err := action(c, kernel.Half{Driver: driver, Profile: in, Legacy: c.Bool("legacy")})
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON(a)
			}
			_, err = fmt.Printf("%s: %s\n", a.File, text)
			return err
		},
	}
}

func buildHalf(c *cli.Context, h kernel.Half) (*kernel.Artifact, string, error) {
	if c.String("url") != "" && c.String("headers") != "" {
		return nil, "", usage("--url and --headers do not go together: what is fetched is built already")
	}
	h.File = c.String("output")
	a, err := kernel.Build{Half: h, Release: c.String("kernel"), Headers: c.String("headers"), URL: c.String("url")}.Make(c.Context)
	if err != nil {
		return nil, "", err
	}
	what := map[string]string{kernel.ClassicBPF: "the classic probe", kernel.Module: "the module"}[h.Driver]
	return a, fmt.Sprintf("%s for Linux %s, schema %s", what, a.Kernel, a.Schema), nil
}

func loadHalf(c *cli.Context, h kernel.Half) (*kernel.Artifact, string, error) {
	h.File = c.String("file")
	a, err := h.Load()
	text := "the kernel takes it; trace --driver " + h.Driver
	if h.Driver == kernel.Module {
		text = "loaded; trace --driver " + h.Driver
	}
	if h.Profile == spec.V036 {
		text += " --profile 0.36"
	}
	return a, text + " uses it", err
}

func unloadClassic(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	_, err := fmt.Println("nothing to unload: the classic probe goes with the trace that uses it")
	return err
}

func unloadModule(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return kernel.Unload()
}

func driverStatus(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	list := kernel.Artifacts()
	if c.Bool("json") {
		return printJSON(list)
	}
	t := &table{}
	t.add("DRIVER", "PROFILE", "USABLE", "LOADED", "FOR LINUX", "SCHEMA", "FILE", "WHY NOT", "WHAT TO CHANGE")
	for _, a := range list {
		t.add(a.Driver, a.Profile, yes(a.Usable), yes(a.Loaded), orNone(a.Kernel), orNone(a.Schema), a.File, a.Why, a.Change)
	}
	_, err := os.Stdout.WriteString(t.String())
	return err
}
