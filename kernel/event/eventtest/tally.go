package eventtest

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// EnvReport names the file to which each run of the suite appends a line, a Report as
// JSON. "-" stands for standard output, where the line starts with ReportMark.
const (
	EnvReport  = "LANNER_CONFORMANCE_REPORT"
	ReportMark = "conformance "
)

// A Report tells how the events of a driver compared with what was stated, on one
// kernel and in one edition.
type Report struct {
	Driver  string            `json:"driver"` // as --driver names it
	Kernel  string            `json:"kernel"` // its release
	Arch    string            `json:"arch"`   // as Go names it
	Edition string            `json:"edition"`
	Events  map[string]*Tally `json:"events"`            // by Ident of the row
	Skipped map[string]string `json:"skipped,omitempty"` // names of cases, and why the driver did not run them

	Unavailable string `json:"unavailable,omitempty"` // why the driver can't be used on that kernel
}

// Unavailable reports that a driver can't be used on a kernel, so that no suite is run.
func Unavailable(t *testing.T, driver, kernel, arch, why string) {
	t.Helper()
	to := os.Getenv(EnvReport)
	if to == "" {
		return
	}
	r := report{Report: Report{Driver: driver, Kernel: kernel, Arch: arch, Unavailable: why}}
	if err := r.write(to); err != nil {
		t.Error(err)
	}
}

// A Tally is what became of one event.
type Tally struct {
	Same      int      `json:"same"`      // how often it came as stated, every parameter
	Different int      `json:"different"` // how often not
	First     string   `json:"first,omitempty"`
	Cases     []string `json:"cases,omitempty"` // that stated it
}

// editionName is how reports and subtests name an edition.
func editionName(in spec.Profile) string {
	if in == spec.V036 {
		return "v036"
	}
	return "current"
}

// report is the Report under way; it is nil if none was asked for.
type report struct {
	mu sync.Mutex
	Report
}

func newReport(t *testing.T, d *Driver, in spec.Profile) *report {
	if os.Getenv(EnvReport) == "" || d.Name == "" {
		return nil
	}
	r := &report{Report: Report{
		Driver: d.Name, Arch: runtime.GOARCH, Edition: editionName(in),
		Events: make(map[string]*Tally), Skipped: make(map[string]string),
	}}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		r.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	t.Cleanup(func() {
		if err := r.write(os.Getenv(EnvReport)); err != nil {
			t.Error(err)
		}
	})
	return r
}

// skip notes a case that the driver did not run.
func (r *report) skip(c *Case, why string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Skipped[c.Name] = why
}

// count notes what became of an event; an empty failure means that it was as stated.
func (r *report) count(caseName string, typ event.Type, failure string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := typ.Row().Ident
	t := r.Events[name]
	if t == nil {
		t = &Tally{}
		r.Events[name] = t
	}
	if n := len(t.Cases); n == 0 || t.Cases[n-1] != caseName {
		t.Cases = append(t.Cases, caseName)
	}
	if failure == "" {
		t.Same++
		return
	}
	if t.Different++; t.First == "" {
		t.First = strings.Join(strings.Fields(failure), " ")
	}
}

func (r *report) write(to string) error {
	line, err := json.Marshal(&r.Report)
	if err != nil {
		return err
	}
	if to == "-" {
		_, err := fmt.Printf("\n%s%s\n", ReportMark, line)
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	return err
}
