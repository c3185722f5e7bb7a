package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/eventtest"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// drivers are the columns, in the order in which they are preferred.
var drivers = []string{"ptrace", "modern-bpf", "bpf", "kmod"}

// A machine is a kernel on an architecture.
type machine struct{ kernel, arch string }

func (m machine) String() string { return m.kernel + " " + m.arch }

// A place is where a driver was tested.
type place struct {
	driver string
	machine
}

// A matrix holds the runs, both editions of a driver and kernel together.
type matrix struct {
	machines []machine
	places   map[place]*result
}

// A result is what a driver did on a machine.
type result struct {
	events      map[string]*eventtest.Tally
	skipped     map[string]string
	unavailable string // why it can't be used there
}

func newMatrix(runs []eventtest.Report) *matrix {
	m := &matrix{places: make(map[place]*result)}
	for i := range runs {
		run := &runs[i]
		at := machine{run.Kernel, run.Arch}
		if !slices.Contains(m.machines, at) {
			m.machines = append(m.machines, at)
		}
		p := place{run.Driver, at}
		r := m.places[p]
		if r == nil {
			r = &result{events: make(map[string]*eventtest.Tally), skipped: make(map[string]string)}
			m.places[p] = r
		}
		r.unavailable = run.Unavailable
		for name, why := range run.Skipped {
			r.skipped[name] = why
		}
		for name, t := range run.Events {
			r.add(name, t, run.Edition)
		}
	}
	slices.SortFunc(m.machines, func(a, b machine) int {
		return cmp.Or(cmp.Compare(a.arch, b.arch), compareReleases(a.kernel, b.kernel))
	})
	return m
}

func (r *result) add(name string, t *eventtest.Tally, edition string) {
	sum := r.events[name]
	if sum == nil {
		sum = &eventtest.Tally{}
		r.events[name] = sum
	}
	sum.Same += t.Same
	sum.Different += t.Different
	if sum.First == "" && t.First != "" {
		sum.First = "edition " + edition + ": " + strings.TrimLeft(t.First, ": ")
	}
	for _, c := range t.Cases {
		if !slices.Contains(sum.Cases, c) {
			sum.Cases = append(sum.Cases, c)
		}
	}
}

// compareReleases orders 5.10 before 6.1 before 6.12.
func compareReleases(a, b string) int {
	var x, y [2]int
	fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), strings.Compare(a, b))
}

// Verdicts on an event.
const (
	same         = "same"
	different    = "different"
	notAvailable = "not available"
)

// verdict says how an event of a driver is on a machine: same, different, or why it is
// not there. ok is false if the driver was not tested there.
func (m *matrix) verdict(e *spec.Event, driver string, at machine) (what string, ok bool) {
	r := m.places[place{driver, at}]
	if r == nil {
		return "", false
	}
	switch t := r.events[e.Ident]; {
	case r.unavailable != "":
		return "", false // the table of runs says it once for all
	case t != nil && t.Different > 0:
		return different, true
	case t != nil:
		return same, true
	case e.Kernel && driver == "ptrace":
		return "only the kernel can tell", true
	}
	// Others that were tested may say which case would have stated it.
	for _, c := range m.cases(e.Ident) {
		if why := r.skipped[c]; why != "" {
			return why, true
		}
	}
	if len(m.cases(e.Ident)) > 0 {
		return "not there", true
	}
	return "no case", true
}

// cases returns the cases that state an event anywhere.
func (m *matrix) cases(ident string) (all []string) {
	for _, r := range m.places {
		if t := r.events[ident]; t != nil {
			for _, c := range t.Cases {
				if !slices.Contains(all, c) {
					all = append(all, c)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// cell is the verdict on an event of a driver over all machines: that of most of them, then
// others with where they hold.
func (m *matrix) cell(e *spec.Event, driver string) string {
	where := make(map[string][]machine)
	var tested []machine
	for _, at := range m.machines {
		if what, ok := m.verdict(e, driver, at); ok {
			where[what] = append(where[what], at)
			tested = append(tested, at)
		}
	}
	var parts []string
	for what, machines := range where {
		if 2*len(machines) <= len(tested) {
			what += " on " + names(machines, tested)
		}
		parts = append(parts, what)
	}
	slices.SortFunc(parts, func(a, b string) int {
		return cmp.Or(-cmp.Compare(b2i(strings.HasPrefix(a, same)), b2i(strings.HasPrefix(b, same))), strings.Compare(a, b))
	})
	return strings.Join(parts, "; ")
}

// names names some machines of all: an architecture if they are all of it.
func names(some, all []machine) string {
	var list []string
	for _, arch := range []string{"amd64", "arm64"} {
		of := func(at machine) bool { return at.arch != arch }
		mine := slices.DeleteFunc(slices.Clone(some), of)
		if n := len(slices.DeleteFunc(slices.Clone(all), of)); n > 1 && len(mine) == n {
			list = append(list, arch)
			continue
		}
		for _, at := range mine {
			list = append(list, at.String())
		}
	}
	return strings.Join(list, ", ")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
