// Command trace follows processes with ptrace(2) and emits the syscall events
// that Falco's kernel drivers emit.
//
// In a nutshell: main.go declares the command line, live.go traces, read.go
// reads captures, sinks.go decides where events go, exit.go how we end; the other
// files are a subcommand each.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

func init() {
	// The driver belongs to one OS thread. Let it be the first: as PID 1 of a
	// namespace, that is the one to which orphans come.
	runtime.LockOSThread()
}

func main() {
	app := newApp()
	if err := app.Run(arguments(app, os.Args)); err != nil {
		exit(err)
	}
}

// arguments makes room for commands that have the name of a subcommand: behind
// "--" a command is meant, whatever it is called.
func arguments(app *cli.App, args []string) []string {
	if len(args) > 1 && app.Command(args[1]) != nil {
		return args
	}
	if i := slices.Index(args, "--"); i >= 0 {
		app.Commands = nil
		app.HideHelpCommand = true
	}
	return args
}

func newApp() *cli.App {
	return &cli.App{
		Name:                   "trace",
		Usage:                  "syscall events of processes, as Falco's kernel drivers emit them, without a kernel driver",
		UsageText:              "trace [options] [--] COMMAND [ARG...]\ntrace [options] -p PID [-p PID...]\ntrace [options] -r FILE",
		Description:            description,
		Version:                version(),
		HideVersion:            true,
		EnableBashCompletion:   true,
		UseShortOptionHandling: false,
		Flags:                  flags(),
		Action:                 action,
		Commands:               []*cli.Command{probeCommand(), listCommand(), installCommand(), versionCommand(), manCommand()},
		CustomAppHelpTemplate:  helpTemplate,
		ExitErrHandler:         func(*cli.Context, error) {},
		OnUsageError:           usageError,
		Suggest:                true,
	}
}

const description = `trace runs COMMAND, or attaches to processes, and tells what they and their
   descendants do: one line an event, or JSON, or a capture that sysdig reads.
   The command's own input, output, signals and exit status stay as they are.

EXAMPLES:
   trace ls /                          what ls does, on standard error
   trace -a -e '!futex' -- make -j4    all calls but one
   trace -e execve,connect -p 4711     what a running process starts and connects to
   trace -q -w run.scap ./server       a capture; read it with trace -r or sysdig -r
   trace -r run.scap --json            events of a capture as JSON
   trace --format '%proc.name %evt.type %fd.name' -e file cat /etc/hosts

EXIT STATUS:
   that of COMMAND; if a signal killed it, trace dies of the same signal (as PID
   1: 128+n). 125 if trace itself failed, 126 and 127 as in a shell.`

// Categories of options.
const (
	catWhat = "what is traced"
	catOut  = "where events go"
	catHow  = "how"
)

func flags() []cli.Flag {
	return []cli.Flag{
		&cli.IntSliceFlag{Name: "pid", Aliases: []string{"p"}, Category: catWhat, Usage: "attach to `PID`: all its threads, and descendants from then on"},
		&cli.StringFlag{Name: "read", Aliases: []string{"r"}, Category: catWhat, Usage: "read events from capture `FILE` ('-' is standard input)"},
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Category: catWhat, Usage: "every call of the contract"},
		&cli.StringFlag{Name: "events", Aliases: []string{"e"}, Category: catWhat, Usage: "events of `SET`: names, patterns and sets, separated by commas; '!' takes away (trace list sets)"},
		&cli.IntFlag{Name: "snaplen", Aliases: []string{"s"}, Category: catWhat, Value: 80, Usage: "keep `N` bytes of I/O data"},
		&cli.Uint64Flag{Name: "count", Aliases: []string{"n"}, Category: catWhat, Usage: "report `N` events, then no more"},
		&cli.StringFlag{Name: "profile", Category: catWhat, Value: "current", Usage: "edition of the contract: current (schema 4.5.1), or 0.36 (Falco 0.36.2, sysdig 0.29 and later)"},

		&cli.StringFlag{Name: "write", Aliases: []string{"w"}, Category: catOut, Usage: "write a capture to `FILE` ('-' is standard output; .gz compresses)"},
		&cli.BoolFlag{Name: "compress", Aliases: []string{"z"}, Category: catOut, Usage: "compress the capture"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catOut, Usage: "print events to `FILE` (else standard error with a COMMAND, standard output without)"},
		&cli.BoolFlag{Name: "json", Category: catOut, Usage: "print events as JSON, one object a line"},
		&cli.StringFlag{Name: "format", Category: catOut, Usage: "print events as `TEXT` with %fields (trace list fields)"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catOut, Usage: "print no events, and no notices"},
		&cli.BoolFlag{Name: "stats", Category: catOut, Usage: "print counters on standard error at the end"},

		&cli.StringFlag{Name: "seccomp", Category: catHow, Value: "auto", Usage: "stop only wanted calls by a seccomp filter: auto (for a COMMAND), always, never"},
		&cli.StringFlag{Name: "on-failure", Category: catHow, Value: "refuse", Usage: "what to do with COMMAND where tracing is denied: refuse, or run it untraced"},
	}
}

const helpTemplate = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{wrap .UsageText 3}}

DESCRIPTION:
   {{.Description}}
{{- if .VisibleCommands}}

COMMANDS:{{template "visibleCommandCategoryTemplate" .}}{{end}}
{{- if .VisibleFlagCategories}}

OPTIONS:{{template "visibleFlagCategoryTemplate" .}}{{end}}
`

// usageError gives one line for options that do not fit.
func usageError(_ *cli.Context, err error, _ bool) error {
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: "); ok {
		return failure{fmt.Errorf("unknown option %s%s; see trace --help", name, similarOption(name)), codeFailure}
	}
	return failure{errors.New(msg + "; see trace --help"), codeFailure}
}

// action does what the options without a subcommand ask for.
func action(c *cli.Context) error {
	if c.Args().Len() > 0 && c.IsSet("read") {
		return usage("-r reads a capture and takes no COMMAND")
	}
	if c.Args().Len() > 0 && c.IsSet("pid") {
		return usage("either -p or a COMMAND, not both")
	}
	if c.IsSet("json") && c.IsSet("format") {
		return usage("either --json or --format, not both")
	}
	switch {
	case c.IsSet("read"):
		if c.IsSet("pid") {
			return usage("either -p or -r, not both")
		}
		return readCapture(c)
	case c.IsSet("pid"):
		return attach(c)
	case c.Args().Len() > 0:
		return runCommand(c)
	}
	return usage("nothing to trace: give a COMMAND, -p PID or -r FILE")
}

// profile returns the chosen edition.
func profile(c *cli.Context) (spec.Profile, error) {
	switch p := c.String("profile"); p {
	case "current":
		return spec.Current, nil
	case "0.36":
		return spec.V036, nil
	default:
		return spec.None, usage(fmt.Sprintf("unknown profile %q: current or 0.36", p))
	}
}
