package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/output"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// listCommand shows what there is to choose from.
func listCommand() *cli.Command {
	asJSON := []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}}
	sub := func(name, usage string, rows func() any, fill func(t *table)) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Flags: asJSON, Action: func(c *cli.Context) error {
			if c.Bool("json") {
				return printJSON(rows())
			}
			t := &table{}
			fill(t)
			_, err := os.Stdout.WriteString(t.String())
			return err
		}}
	}
	return &cli.Command{
		Name:  "list",
		Usage: "what there is: events, syscalls, sets, fields",
		Subcommands: []*cli.Command{
			sub("events", "the events of the contract", func() any { return eventRows() }, func(t *table) {
				t.add("NUMBER", "DIR", "NAME", "CATEGORY", "PROFILES", "PARAMETERS")
				for _, r := range eventRows() {
					t.add(fmt.Sprint(r.Number), r.Dir, r.Name, r.Category, strings.Join(r.Profiles, ","), strings.Join(r.Params, " "))
				}
			}),
			sub("syscalls", "system calls, their numbers and their events", func() any { return syscallRows() }, func(t *table) {
				t.add("CODE", "NAME", "X86_64", "AARCH64", "EVENT", "DEFAULT")
				for _, r := range syscallRows() {
					t.add(fmt.Sprint(r.Code), r.Name, number(r.X86), number(r.Arm64), r.Event, yes(r.Default))
				}
			}),
			sub("sets", "names that -e takes for many events", func() any { return setRows() }, func(t *table) {
				for _, s := range setRows() {
					t.add(s.Name, s.Help)
				}
			}),
			sub("fields", "fields of --format", func() any { return output.Fields() }, func(t *table) {
				for _, f := range output.Fields() {
					name := "%" + f.Name
					if f.Example != "" {
						name = "%" + f.Example
					}
					t.add(name, f.Type, f.Help)
				}
			}),
		},
	}
}

type eventRow struct {
	Number   uint16   `json:"number"`
	Dir      string   `json:"dir"`
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Profiles []string `json:"profiles"`
	Params   []string `json:"params"`
}

func eventRows() (rows []eventRow) {
	for i := range spec.Events {
		e := &spec.Events[i]
		if e.In == spec.None {
			continue
		}
		r := eventRow{Number: e.Number, Dir: "<", Name: e.Name, Category: event.CategoryName(e.Category), Params: []string{}}
		if e.Enter() {
			r.Dir = ">"
		}
		if e.In&spec.Current != 0 {
			r.Profiles = append(r.Profiles, "current")
		}
		if e.In&spec.V036 != 0 {
			r.Profiles = append(r.Profiles, "0.36")
		}
		for _, p := range e.Params {
			r.Params = append(r.Params, p.Name)
		}
		rows = append(rows, r)
	}
	return rows
}

type syscallRow struct {
	Code    uint16 `json:"code"`
	Name    string `json:"name"`
	X86     *int16 `json:"x86_64"`
	Arm64   *int16 `json:"aarch64"`
	Event   string `json:"event"`
	Default bool   `json:"default"`
}

func syscallRows() (rows []syscallRow) {
	def := event.DefaultSet(spec.Current)
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		if s.X86 == spec.NoNumber && s.Arm64 == spec.NoNumber {
			continue
		}
		_, x := event.Pair(s, spec.Current)
		r := syscallRow{Code: s.SC, Name: s.Name, Event: x.String(), Default: def.Has(s.SC)}
		if s.X86 != spec.NoNumber {
			r.X86 = &s.X86
		}
		if s.Arm64 != spec.NoNumber {
			r.Arm64 = &s.Arm64
		}
		rows = append(rows, r)
	}
	return rows
}

type setRow struct {
	Name string `json:"name"`
	Help string `json:"help"`
}

func setRows() (rows []setRow) {
	for _, s := range event.SetNames() {
		rows = append(rows, setRow{s[0], s[1]})
	}
	return rows
}

func number(n *int16) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
