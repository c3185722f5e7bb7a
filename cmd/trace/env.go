package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// assignments are the values of --env: NAME=VALUE each.
type assignments []string

// Set checks and adds one.
func (a *assignments) Set(s string) error {
	if name, _, ok := strings.Cut(s, "="); !ok || name == "" {
		return errors.New("it takes NAME=VALUE")
	}
	*a = append(*a, s)
	return nil
}

func (a *assignments) String() string { return strings.Join(*a, " ") }

// envFlag adds to a command's environment, as strace does. What is there is also
// in the parameter env of the command's execve, so it can say who runs it: inject does
// so for kubectl exec.
func envFlag() cli.Flag {
	return &cli.GenericFlag{Name: "env", Category: catHow, Value: &assignments{}, Usage: "put `NAME=VALUE` into COMMAND's environment (may be given again)"}
}

// assign puts them into our environment, where COMMAND is looked up.
func assign(c *cli.Context) error {
	for _, s := range *c.Generic("env").(*assignments) {
		name, value, _ := strings.Cut(s, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// environ is COMMAND's environment, what was added first: an event has as much of an
// environment as fits into a page, and in a cluster the services alone may fill that.
func environ(c *cli.Context) (env []string) {
	var added []string
	for _, s := range *c.Generic("env").(*assignments) {
		name, _, _ := strings.Cut(s, "=")
		if !slices.Contains(added, name) {
			added = append(added, name)
			env = append(env, name+"="+os.Getenv(name))
		}
	}
	for _, s := range os.Environ() {
		if name, _, _ := strings.Cut(s, "="); !slices.Contains(added, name) {
			env = append(env, s)
		}
	}
	return env
}
