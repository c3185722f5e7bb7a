package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/event/eventtest"
)

// Test boots the machine, runs in it the test binary of the package that is
// being tested, and reports each of its tests as a subtest. The arguments are
// those of a test binary, as "-test.run=Conformance". It returns the names of the
// tests that were skipped, because a test that nobody ran is easily overlooked.
func (vm VM) Test(t *testing.T, args ...string) (skipped []string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "test")
	goTool(t, vm.Kernel.Arch, "test", "-c", "-o", binary, ".")
	vm.Files = maps.Clone(vm.Files)
	vm.Add("/test/test", binary)
	vm.Dir = "/test"
	for _, name := range []string{"CI", "LANNER_TEST_ALL"} {
		vm.Env = append(vm.Env[:len(vm.Env):len(vm.Env)], name+"="+os.Getenv(name))
	}
	reports := os.Getenv(eventtest.EnvReport)
	if reports != "" {
		vm.Env = append(vm.Env, eventtest.EnvReport+"=-")
	}
	if vm.Limit == 0 {
		vm.Limit = defaultLimit
	}
	// The binary's own limit comes first, because it says what was running.
	argv := []string{"/test/test", "-test.v=test2json", "-test.timeout=" + (vm.Limit - 20*time.Second).String()}
	e := vm.run(t, append(argv, args...)...)
	out, status := e.output, e.status
	if reports != "" {
		keepReports(t, reports, out)
	}
	root, err := parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(root.children) == 0 {
		t.Errorf("no test ran:\n%s", tail(out, 40))
	}
	root.report(t)
	// That something failed is told by those that did, unless none did.
	if status != 0 && !t.Failed() {
		t.Errorf("the test binary ended with status %d:\n%s", status, tail(out, 40))
	}
	fmt.Fprint(t.Output(), root.output)
	if file := os.Getenv(envSummary); file != "" {
		vm.summarize(t, file, root, e)
	}
	return root.skipped()
}

// envSummary names a file that a line is appended to for each machine: the kernel's name
// and release, the numbers of tests that passed, failed and were skipped, and seconds.
const envSummary = "LANNER_TEST_SUMMARY"

func (vm *VM) summarize(t *testing.T, file string, root *node, e *ended) {
	t.Helper()
	count := make(map[string]int)
	root.count(count)
	failed := count["fail"] + count[""]
	if t.Failed() {
		failed = max(failed, 1) // if only the machine did
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "%s %s %d %d %d %.0f\n", vm.Kernel.Name, e.kernel, count["pass"], failed, count["skip"], e.took.Seconds())
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}

// keepReports appends the suite's reports to the file for them.
func keepReports(t *testing.T, file string, out []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for line := range bytes.Lines(out) {
		line = bytes.TrimRight(line, "\r\n")
		if text, ok := bytes.CutPrefix(line, []byte(eventtest.ReportMark)); ok {
			if _, err := f.Write(append(text, '\n')); err != nil {
				t.Error(err)
			}
		}
	}
}
