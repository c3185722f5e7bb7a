// Command conformance writes docs/conformance.md: which events each driver delivers as
// the contract has them, kernel by kernel.
//
// In a nutshell: the conformance suite appends a line to a file for every run of it
// (kernel/event/eventtest, EnvReport) in the virtual machines of the kernel
// tests; this command reads that file and prints tables. Nothing in them is written by
// hand.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: conformance FILE > docs/conformance.md; make conformance-report does it all")
		os.Exit(2)
	}
	f, err := os.Open(os.Args[1])
	if err == nil {
		var runs []eventtest.Report
		if runs, err = read(f); err == nil {
			err = complete(runs)
		}
		if err == nil {
			w := bufio.NewWriter(os.Stdout)
			write(w, newMatrix(runs))
			err = w.Flush()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// complete returns an error if a driver has not been through the suite, on both editions,
// on a kernel that others have been on: a run that broke off would look like one in which
// nothing else happened.
func complete(runs []eventtest.Report) error {
	m := newMatrix(runs)
	for _, at := range m.machines {
		for _, driver := range drivers {
			editions := make(map[string]bool)
			r := m.places[place{driver, at}]
			for i := range runs {
				if run := &runs[i]; run.Driver == driver && run.Kernel == at.kernel && run.Arch == at.arch {
					editions[run.Edition] = true
				}
			}
			for _, edition := range []string{"current", "v036"} {
				if !editions[edition] && (r == nil || r.unavailable == "") {
					return fmt.Errorf("%s on %s: no results of edition %s: see what its run says", driver, at, edition)
				}
			}
		}
	}
	return nil
}

// read returns the runs of a file. Of several of one driver, kernel and edition the
// last one counts.
func read(r io.Reader) (runs []eventtest.Report, err error) {
	type key struct{ driver, kernel, arch, edition string }
	at := make(map[key]int)
	for d := json.NewDecoder(r); d.More(); {
		var run eventtest.Report
		if err := d.Decode(&run); err != nil {
			return nil, fmt.Errorf("run %d: %w", len(runs)+1, err)
		}
		k := key{run.Driver, run.Kernel, run.Arch, run.Edition}
		if i, ok := at[k]; ok {
			runs[i] = run
			continue
		}
		at[k] = len(runs)
		runs = append(runs, run)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no run of the suite was reported")
	}
	return runs, nil
}
