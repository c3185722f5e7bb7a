// Command inject puts trace before the entrypoints of containers, in the files that
// describe them.
//
// In a nutshell: main.go declares the command line; each kind of file is a format,
// one file here (k8s.go, ...) over one package of inject/; rewrite.go is what the
// formats share: where files come from and go to, --check, --diff and --explain;
// options.go reads the options that all formats take, lookup.go those that say how
// images' own commands are found.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	_ "golang.org/x/crypto/x509roots/fallback" // our image has no certificates, and registries have to be trusted
)

func main() {
	if err := newApp().Run(os.Args); err != nil {
		exit(err)
	}
}

// formats are the kinds of files that can be rewritten.
func formats() []format {
	return []format{k8sFormat(), ecsFormat(), composeFormat(), dockerfileFormat()}
}

func newApp() *cli.App {
	// Descriptions are indented where they are written, for the manual page too.
	for _, t := range []*string{&cli.CommandHelpTemplate, &cli.SubcommandHelpTemplate} {
		*t = strings.Replace(*t, `{{template "descriptionTemplate" .}}`, "{{.Description}}", 1)
	}
	var commands []*cli.Command
	undo := &cli.Command{
		Name:      "uninject",
		Usage:     "take trace out again",
		UsageText: "inject uninject FORMAT [options] [FILE...]",

		OnUsageError:    usageError,
		HideHelpCommand: true,

		Action: func(c *cli.Context) error {
			if c.Args().Len() == 0 {
				return usage("uninject takes a format")
			}
			return usage(fmt.Sprintf("there is no format %q", c.Args().First()))
		},
	}
	for _, f := range formats() {
		commands = append(commands, f.command(false))
		undo.Subcommands = append(undo.Subcommands, f.command(true))
	}
	commands = append(commands, imageCommand(false))
	undo.Subcommands = append(undo.Subcommands, imageCommand(true))
	return &cli.App{
		Name:                  "inject",
		Usage:                 "trace before the entrypoints of containers",
		UsageText:             "inject FORMAT [options] [FILE...]\ninject uninject FORMAT [options] [FILE...]",
		Description:           description,
		Version:               version(),
		HideVersion:           true,
		EnableBashCompletion:  true,
		Commands:              append(commands, undo, webhookCommand(), policyCommand(), versionCommand(), manCommand()),
		Action:                noFormat,
		CustomAppHelpTemplate: helpTemplate,
		ExitErrHandler:        func(*cli.Context, error) {},
		OnUsageError:          usageError,
		Suggest:               true,
	}
}

const description = `inject reads files that describe containers and writes them so that the containers
   start under trace. What it does not change stays byte for byte, comments and blank
   lines too; what it can't change is passed through, and the reason goes to standard
   error. Twice is the same as once, and uninject takes everything away again.

EXAMPLES:
   inject k8s deploy.yaml | kubectl apply -f -     trace in every container
   helm template app | inject k8s --trace '-e execve,connect --json'
   inject k8s --explain deploy.yaml                which containers, and why not the others
   inject k8s --check *.yaml                       exit status 1 if a file would change
   inject k8s --diff -i deploy.yaml                change a file, and show how
   inject uninject k8s -i deploy.yaml              and back
   inject ecs task.json > traced.json              an ECS task definition; CloudFormation too
   inject compose compose.yaml | docker compose -f - up
   inject dockerfile Dockerfile | docker build -f - .
   inject image example.com/app:1 example.com/app:1-traced

EXIT STATUS:
   0; with --check, 1 if something would change; 2 for an error.`

const helpTemplate = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{wrap .UsageText 3}}

DESCRIPTION:
   {{.Description}}
{{- if .VisibleCommands}}

COMMANDS:{{template "visibleCommandCategoryTemplate" .}}{{end}}
`

// noFormat is for a command line without a known format. Without any arguments we may
// have been started as a KRM function, which reads a ResourceList; at a terminal, by
// someone who needs help.
func noFormat(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return usage(fmt.Sprintf("there is no format %q", c.Args().First()))
	}
	if info, err := os.Stdin.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return cli.ShowAppHelp(c)
	}
	return c.App.Command("k8s").Run(c, "k8s", "--quiet")
}

// Exit codes.
const (
	codeChanges = 1 // --check found something to change
	codeFailure = 2
)

// errChanges ends with codeChanges; what there was to say has been said.
var errChanges = errors.New("there are changes")

// usage is the failure of a command line that makes no sense.
func usage(msg string) error { return errors.New(msg + "; see inject --help") }

// usageError words the library's complaint about options.
func usageError(c *cli.Context, err error, _ bool) error {
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: -"); ok {
		msg = "unknown option --" + strings.TrimPrefix(name, "-")
	}
	return fmt.Errorf("%s; see %s --help", msg, c.Command.HelpName)
}

// exit ends the program for an error: one line, and its code.
func exit(err error) {
	if errors.Is(err, errChanges) {
		os.Exit(codeChanges)
	}
	complain(err)
	os.Exit(codeFailure)
}

// complain prints one line for an error.
func complain(err error) { fmt.Fprintf(os.Stderr, "inject: %v\n", err) }
