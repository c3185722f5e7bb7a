package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// prefix begins the environment variables that stand for options.
const prefix = "LANNER_"

// variables are the environment variables that were set for us, by option. Platforms
// for containers pass configuration that way.
//
// They are not left to the library, which would read them for whatever trace is used
// for: they configure the trace before a COMMAND, and no other. So they are taken out
// of the environment. If the command inherited them, a trace that it runs itself would
// write over the capture of the one that traces it.
type variables map[string]string

// takeVariables reads the variables and removes them. A program that was given the
// rights of another user by its file's mode does not listen to its caller's
// environment.
func takeVariables() variables {
	v := variables{}
	trusted := os.Getuid() == os.Geteuid() && os.Getgid() == os.Getegid()
	for _, f := range commandFlags() {
		option := f.Names()[0]
		if value := os.Getenv(variable(option)); value != "" && trusted {
			v[option] = value
		}
		os.Unsetenv(variable(option))
	}
	return v
}

// variable is the name of an option's variable.
func variable(option string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

// environment is what main took.
var environment variables

// overruled lists, for an option, those that make it void if the command line has them.
var overruled = map[string][]string{
	"json": {"format"}, "summary": {"format"}, "format": {"json", "summary"}, "all": {"events"}, "events": {"all"},
}

// apply sets the options that the command line does not have.
func (v variables) apply(c *cli.Context) error {
	var missing []string
	for option := range v {
		if !c.IsSet(option) && !slices.ContainsFunc(overruled[option], c.IsSet) {
			missing = append(missing, option)
		}
	}
	slices.Sort(missing)
	for _, option := range missing {
		if err := c.Set(option, v[option]); err != nil {
			return usage(fmt.Sprintf("%s=%s: not %s", variable(option), v[option], wanted(c, option)))
		}
	}
	return nil
}

// wanted says what the value of an option has to be.
func wanted(c *cli.Context, option string) string {
	if _, ok := c.Value(option).(bool); ok {
		return "true or false"
	}
	return "a number"
}
