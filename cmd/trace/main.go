// Command trace follows processes, with ptrace(2) or a kernel driver, and emits the
// syscall events that Falco's kernel drivers emit.
//
// In a nutshell: main.go declares the command line and options.go reads what is for
// drivers, environment.go what a container's environment says of them; command.go runs a
// command, under ptrace itself and in job.go under a kernel driver, attach.go follows
// what runs already, read.go reads captures (those of a time, see moment.go; progress.go
// tells how far); live.go moves events, sinks.go decides where they go (rotate.go: into
// how many files; stream.go: to whom), stats.go and
// summary.go count, forward.go passes signals on, exit.go says how we end. The other
// files are a subcommand each.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func init() {
	// The driver belongs to one OS thread. Let it be the first: as PID 1 of a
	// namespace, that is the one to which orphans come.
	runtime.LockOSThread()
}

func main() {
	kernel.Stage()
	environment = takeVariables()
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
	// Descriptions are indented where they are written, for the manual page too.
	for _, t := range []*string{&cli.CommandHelpTemplate, &cli.SubcommandHelpTemplate} {
		*t = strings.Replace(*t, `{{template "descriptionTemplate" .}}`, "{{.Description}}", 1)
	}
	return &cli.App{
		Name:                   "trace",
		Usage:                  "syscall events of processes, as Falco's kernel drivers emit them, without a kernel driver",
		UsageText:              "trace [options] [--] COMMAND [ARG...]\ntrace [options] -p PID [-p PID...]\ntrace [options] --host\ntrace [options] -r FILE",
		Description:            description,
		Version:                version(),
		HideVersion:            true,
		EnableBashCompletion:   true,
		UseShortOptionHandling: false,
		Flags:                  flags(),
		Action:                 action,
		Commands:               []*cli.Command{serveCommand(), probeCommand(), listCommand(), driverCommand(), installCommand(), entrypointCommand(), versionCommand(), manCommand()},
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
   trace -q -w x.scap -C 100 -W 5 top  the last 500 MB of events, in five files
   trace -r run.scap --json            events of a capture as JSON
   trace -r run.scap --summary         what it has most of; also of a command
   trace -r run.scap --since +10s      events from ten seconds after the first
   trace --format '%proc.name %evt.type %fd.name' -e file cat /etc/hosts
   trace --host -e execve,connect      the whole machine, by a kernel driver
   trace -q -w unix:/run/lanner.sock ./server     to a trace serve that listens there
   trace -q --udig --udig-wait 30s ./server       into the ring that Falco 0.36 reads
   trace probe                         which drivers can be used here, and why not

ENVIRONMENT:
   LANNER_EVENTS, LANNER_ON_FAILURE and so on: what options --events, --on-failure and
   so on are where the command line does not have them. There is one for each option
   that a COMMAND can have; it does not see them.

EXIT STATUS:
   that of COMMAND; if a signal killed it, trace dies of the same signal (as PID
   1: 128+n). 125 if trace itself failed, 126 and 127 as in a shell.`

// Categories of options.
const (
	catWhat = "what is traced"
	catOut  = "where events go"
	catHow  = "how"
)

func flags() []cli.Flag { return append(sourceFlags(), commandFlags()...) }

// sourceFlags choose something other than a COMMAND.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntSliceFlag{Name: "pid", Aliases: []string{"p"}, Category: catWhat, Usage: "attach to `PID`: all its threads, and descendants from then on"},
		&cli.BoolFlag{Name: "host", Category: catWhat, Usage: "every process of the machine (needs a kernel driver)"},
		&cli.StringFlag{Name: "cgroup", Category: catWhat, Usage: "the processes of cgroup `PATH` and those below, version 2 (needs a kernel driver)"},
		&cli.StringFlag{Name: "read", Aliases: []string{"r"}, Category: catWhat, Usage: "read events from capture `FILE` ('-' is standard input)"},
		&cli.StringFlag{Name: "since", Category: catWhat, Usage: "of a capture, events from `TIME` on: 15:04:05 (of the day of its first event), \"2006-01-02 15:04:05\", RFC 3339, @SECONDS since the epoch, or +DURATION after the first event"},
		&cli.StringFlag{Name: "until", Category: catWhat, Usage: "of a capture, events before `TIME`"},
	}
}

// commandFlags are those that a COMMAND may have.
func commandFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Category: catWhat, Usage: "every call of the contract"},
		&cli.StringFlag{Name: "events", Aliases: []string{"e"}, Category: catWhat, Usage: "events of `SET`: names, patterns and sets, separated by commas; '!' takes away (trace list sets)"},
		&cli.IntFlag{Name: "snaplen", Aliases: []string{"s"}, Category: catWhat, Value: 80, Usage: "keep `N` bytes of I/O data"},
		&cli.BoolFlag{Name: "dynamic-snaplen", Category: catWhat, Usage: "kernel drivers: keep more of what goes through sockets and looks like HTTP, a database or another known protocol, by its first bytes or its port"},
		&cli.BoolFlag{Name: "drop-failed", Category: catWhat, Usage: "leave out exit events of calls that failed"},
		&cli.Uint64Flag{Name: "count", Aliases: []string{"n"}, Category: catWhat, Usage: "report `N` events, then no more"},
		&cli.StringFlag{Name: "container-id", Category: catWhat, Usage: "put container `ID` into the cgroups of events that show none (else it is found in our own cgroup, by ECS, or in what Docker or Podman mounted)"},
		&cli.StringFlag{Name: "profile", Category: catWhat, Value: "current", Usage: "edition of the contract: current (schema 4.5.1), or 0.36 (Falco 0.36.2, sysdig 0.29 and later)"},

		&cli.StringFlag{Name: "write", Aliases: []string{"w"}, Category: catOut, Usage: "write a capture to `FILE` ('-' is standard output; .gz compresses), or send it to unix:PATH or tcp:HOST:PORT"},
		&cli.StringFlag{Name: "file-size", Aliases: []string{"C"}, Category: catOut, Usage: "begin another capture file after `SIZE`: million bytes, or with k, M or G as unit; files are named FILE_00001_TIME"},
		&cli.StringFlag{Name: "file-time", Aliases: []string{"G"}, Category: catOut, Usage: "begin another capture file after `DURATION`: seconds, or as 1h30m"},
		&cli.Uint64Flag{Name: "file-events", Category: catOut, Usage: "begin another capture file after `N` events"},
		&cli.IntFlag{Name: "files", Aliases: []string{"W"}, Category: catOut, Usage: "keep the last `N` capture files"},
		&cli.BoolFlag{Name: "compress", Aliases: []string{"z"}, Category: catOut, Usage: "compress the capture"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catOut, Usage: "print events to `FILE` (else standard error with a COMMAND, standard output without)"},
		&cli.BoolFlag{Name: "json", Category: catOut, Usage: "print events as JSON, one object a line"},
		&cli.StringFlag{Name: "format", Category: catOut, Usage: "print events as `TEXT` with %fields (trace list fields)"},
		&cli.BoolFlag{Name: "summary", Category: catOut, Usage: "instead of events print tables of the busiest events, processes, files and connections, at the end; with --json as JSON"},
		&cli.StringFlag{Name: "prefix", Category: catOut, Usage: "begin each line of events with `TEXT`, to tell them from a log that they share"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catOut, Usage: "print no events, and no notices"},
		&cli.BoolFlag{Name: "stats", Category: catOut, Usage: "print counters on standard error at the end"},

		streamFlags[0], streamFlags[1], streamFlags[2], tokenFlag,

		&cli.StringFlag{Name: "driver", Category: catHow, Value: kernel.Auto, Usage: "who tells of events: ptrace, modern-bpf, bpf, kmod; auto takes ptrace where it will do, else the first kernel driver that can be used (trace probe)"},
		&cli.StringFlag{Name: "seccomp", Category: catHow, Value: "auto", Usage: "ptrace: stop only wanted calls by a seccomp filter: auto (for a COMMAND), always, never"},
		&cli.IntFlag{Name: "buffer-preset", Category: catHow, Value: 4, Usage: "kernel drivers: size of each buffer, `N` from 1 (1 MiB) to 10 (512 MiB), twice as much each"},
		&cli.IntFlag{Name: "cpus-per-buffer", Category: catHow, Value: 1, Usage: "kernel drivers: `N` CPUs share a buffer; 0: all share one"},
		&cli.StringFlag{Name: "on-failure", Category: catHow, Value: "refuse", Usage: "what to do with COMMAND where tracing is denied, or events have nowhere to go: refuse, or run it untraced"},
		envFlag(),
	}, udigFlags()...)
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

// sources are the options that say what is traced. It takes one of them, or a
// COMMAND.
var sources = []struct {
	option, spelled string
	use             func(c *cli.Context) error
}{{"read", "-r", readCapture}, {"pid", "-p", attach}, {"host", "--host", watchAll}, {"cgroup", "--cgroup", watchAll}}

// action does what the options without a subcommand ask for.
func action(c *cli.Context) error {
	for _, name := range []string{"since", "until"} {
		if c.IsSet(name) && !c.IsSet("read") {
			return usage("--" + name + " is for captures: -r FILE")
		}
	}
	if _, err := rotation(c); err != nil {
		return err
	}
	if err := idle(c, cmp.Or(c.String("write"), environment["write"]), false); err != nil {
		return err
	}
	var given []string
	use := runCommand
	for _, s := range sources {
		if c.IsSet(s.option) {
			given, use = append(given, s.spelled), s.use
		}
	}
	if c.Args().Len() > 0 {
		given = append(given, "a COMMAND")
	}
	switch len(given) {
	case 0:
		return usage("nothing to trace: give a COMMAND, -p PID, --host, --cgroup PATH or -r FILE")
	case 1:
		return use(c)
	}
	return usage("either " + given[0] + " or " + given[1] + ", not both")
}

// idle refuses options for streams and the ring where there is none: somebody thinks that
// there is. written is the value of -w.
func idle(c *cli.Context, written string, serves bool) error {
	for _, name := range []string{"stream-buffer", "stream-full", "stream-wait", "token-file"} {
		if c.IsSet(name) && !stream.IsAddress(written) && !(serves && name == "token-file") {
			return usage("--" + name + " is for streams: -w unix:PATH or -w tcp:HOST:PORT")
		}
	}
	for _, name := range []string{"udig-layout", "udig-wait"} {
		if c.IsSet(name) && !c.Bool("udig") && environment["udig"] == "" {
			return usage("--" + name + " is for the ring: --udig")
		}
	}
	return nil
}

// profile returns the chosen edition.
func profile(c *cli.Context) (spec.Profile, error) {
	p := c.String("profile")
	if c.Bool("udig") {
		if c.IsSet("profile") && p != "0.36" {
			return spec.None, usage("readers of the ring know no --profile but 0.36")
		}
		p = "0.36"
	}
	switch p {
	case "current":
		return spec.Current, nil
	case "0.36":
		return spec.V036, nil
	default:
		return spec.None, usage(fmt.Sprintf("unknown profile %q: current or 0.36", p))
	}
}
