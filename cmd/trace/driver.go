package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/kernel"
)

// driverCommand builds and loads the drivers that depend on the kernel.
func driverCommand() *cli.Command {
	asJSON := &cli.BoolFlag{Name: "json", Usage: "as JSON"}
	edition := &cli.StringFlag{Name: "profile", Value: "current", Usage: "edition of the contract: current, or 0.36"}
	return &cli.Command{
		Name:  "driver",
		Usage: "build, load and look at the drivers that are made for one kernel: the classic probe (bpf)",
		Description: `Nothing is downloaded: the sources are part of trace, the kernel's headers come
from the distribution, the compiler (packages clang and llvm) as well.

EXAMPLES:
   trace driver build bpf                        for the running kernel
   trace driver build bpf --kernel 5.10.0-32-amd64 -o probe.o
   trace driver load bpf                         does the kernel take it?
   LANNER_BPF_PROBE=probe.o trace --driver bpf ls /`,
		Subcommands: []*cli.Command{
			{
				Name: "build", Usage: "build a driver against a kernel's headers",
				Subcommands: []*cli.Command{{
					Name: kernel.ClassicBPF, Usage: "the classic probe, with clang and llc",
					Flags: []cli.Flag{
						&cli.StringFlag{Name: "kernel", Usage: "`RELEASE` of the kernel, as uname -r has it (default: the running one)"},
						&cli.StringFlag{Name: "headers", Usage: "`DIR` of the kernel's headers (default: /lib/modules/RELEASE/build)"},
						&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write (default: where --driver looks for it, $LANNER_BPF_PROBE or ~/.lanner)"},
						edition, asJSON,
					},
					Action: buildClassic,
				}},
			},
			{
				Name: "load", Usage: "put a driver into the kernel",
				Subcommands: []*cli.Command{{
					Name: kernel.ClassicBPF, Usage: "have the kernel check the classic probe, which stays only while a trace uses it",
					Flags: []cli.Flag{edition, asJSON}, Action: loadClassic,
				}},
			},
			{
				Name: "unload", Usage: "take a driver out of the kernel",
				Subcommands: []*cli.Command{{
					Name: kernel.ClassicBPF, Usage: "nothing: the classic probe goes with the trace that uses it", Action: unloadClassic,
				}},
			},
			{Name: "status", Usage: "what there is of drivers, and whether it can be used here", Flags: []cli.Flag{asJSON}, Action: driverStatus},
		},
	}
}

func buildClassic(c *cli.Context) error {
	in, err := profile(c)
	if err != nil {
		return err
	}
	a, err := kernel.BuildClassic(c.Context, kernel.Build{Release: c.String("kernel"), Headers: c.String("headers"), Profile: in, File: c.String("output")})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(a)
	}
	_, err = fmt.Printf("%s: the classic probe for Linux %s, schema %s\n", a.File, a.Kernel, a.Schema)
	return err
}

func loadClassic(c *cli.Context) error {
	in, err := profile(c)
	if err != nil {
		return err
	}
	a, err := kernel.LoadClassic(in)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(a)
	}
	_, err = fmt.Printf("%s: the kernel takes it; trace --driver bpf uses it\n", a.File)
	return err
}

func unloadClassic(*cli.Context) error {
	_, err := fmt.Println("nothing to unload: the classic probe goes with the trace that uses it")
	return err
}

func driverStatus(c *cli.Context) error {
	list := kernel.Artifacts()
	if c.Bool("json") {
		return printJSON(list)
	}
	t := &table{}
	t.add("DRIVER", "PROFILE", "USABLE", "FOR LINUX", "SCHEMA", "FILE", "WHY NOT", "WHAT TO CHANGE")
	for _, a := range list {
		t.add(a.Driver, a.Profile, yes(a.Usable), orNone(a.Kernel), orNone(a.Schema), a.File, a.Why, a.Change)
	}
	_, err := os.Stdout.WriteString(t.String())
	return err
}
