package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
	"github.com/lannerhq/lanner/ptrace"
)

// probeCommand tells what can be used here.
func probeCommand() *cli.Command {
	return &cli.Command{
		Name:  "probe",
		Usage: "what this machine allows: which drivers can be used, why not the others, what they would not see",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}},
		Action: func(c *cli.Context) error {
			r := probe()
			if c.Bool("json") {
				return printJSON(r)
			}
			_, err := os.Stdout.WriteString(r.text(colorful(os.Stdout)))
			return err
		},
	}
}

// A probeReport is what trace probe tells.
type probeReport struct {
	Drivers []kernel.Verdict `json:"drivers"`
	Chosen  choices          `json:"chosen"`
	Blind   []kernel.Blind   `json:"blind"` // of the drivers that can be used
	Facts   []kernel.Fact    `json:"facts"`
}

// choices are what auto comes to; empty where nothing can be used.
type choices struct {
	Command string `json:"command"` // and -p
	Host    string `json:"host"`    // and --cgroup
}

func probe() *probeReport {
	m := kernel.Look()
	r := &probeReport{Drivers: append([]kernel.Verdict{tryPtrace(m)}, kernel.Drivers(m)...), Blind: []kernel.Blind{}, Facts: m.Facts()}
	usable := map[string]bool{}
	for _, v := range r.Drivers {
		if !v.Usable {
			continue
		}
		usable[v.Driver] = true
		if r.Chosen.Command == "" {
			r.Chosen.Command = v.Driver
		}
		if r.Chosen.Host == "" && v.Driver != kernel.Ptrace {
			r.Chosen.Host = v.Driver
		}
	}
	for _, b := range kernel.BlindSpots(m) {
		if usable[b.Driver] {
			r.Blind = append(r.Blind, b)
		}
	}
	return r
}

// tryPtrace starts a command that does not exist: whoever may trace that far may
// trace.
func tryPtrace(m *kernel.Machine) kernel.Verdict {
	v := kernel.Verdict{Driver: kernel.Ptrace}
	const none = "/" // a directory can't be executed
	d, err := ptrace.New(ptrace.Config{Profile: spec.Current, Events: event.DefaultSet(spec.Current)})
	if err == nil {
		err = d.Start(none, []string{"trace"}, nil, func(int) error { return nil })
	}
	for err == nil {
		err = d.ReadInto(&event.Event{})
	}
	if err == io.EOF {
		v.Usable = true
		return v
	}
	v.Why, v.Change = strings.TrimPrefix(err.Error(), "cannot trace "+none+": "), m.AllowPtrace()
	return v
}

// text is the report for people.
func (r *probeReport) text(colors bool) string {
	drivers := &table{}
	if colors {
		drivers.color = func(row, column int) string {
			switch {
			case row == 0 || column != 1:
				return ""
			case r.Drivers[row-1].Usable:
				return green
			}
			return red
		}
	}
	drivers.add("DRIVER", "USABLE", "WHY NOT", "WHAT TO CHANGE")
	for _, v := range r.Drivers {
		usable := "no"
		if v.Usable {
			usable = "yes"
		}
		drivers.add(v.Driver, usable, v.Why, v.Change)
	}
	text := drivers.String() + fmt.Sprintf("\nA COMMAND and -p would be traced by %s, --host and --cgroup by %s.\n\n",
		orNone(r.Chosen.Command), orNone(r.Chosen.Host))
	if len(r.Blind) > 0 {
		blind := &table{}
		blind.add("DRIVER", "WOULD NOT SEE", "WHAT TO CHANGE")
		for _, b := range r.Blind {
			blind.add(b.Driver, b.What, b.Change)
		}
		text += blind.String() + "\n"
	}
	facts := &table{}
	facts.add("FACT", "SINCE LINUX", "HERE")
	for _, f := range r.Facts {
		facts.add(f.Name, f.Since, f.Value)
	}
	return text + facts.String()
}

func orNone(driver string) string {
	if driver == "" {
		return "none"
	}
	return driver
}
