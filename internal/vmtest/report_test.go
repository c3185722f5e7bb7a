package vmtest

import (
	"slices"
	"testing"
)

// What a test binary prints under -test.v=test2json; the mark in front of its own
// lines is a byte 0x16.
const printed = "\x16=== RUN   TestA\n" +
	"\x16=== RUN   TestA/x/y\n" +
	"    a_test.go:1: why\n" +
	"\x16--- SKIP: TestA/x/y (0.01s)\n" +
	"\x16=== NAME  TestA\n" +
	"\x16--- PASS: TestA (0.02s)\n" +
	"\x16=== RUN   TestB\n" +
	"    b_test.go:2: broken\n" +
	"\x16--- FAIL: TestB (0.02s)\n" +
	"\x16=== RUN   TestC\n" +
	"panic: oh\n"

func TestParse(t *testing.T) {
	root, err := parse([]byte(printed))
	if err != nil {
		t.Fatal(err)
	}
	if got := root.skipped(); !slices.Equal(got, []string{"TestA/x/y"}) {
		t.Errorf("skipped %q", got)
	}
	results := make(map[string]int)
	if root.count(results); results["skip"] != 1 || results["fail"] != 1 || results[""] != 1 || results["pass"] != 0 {
		t.Errorf("results %v: one each of skip, fail and none", results)
	}
	for _, want := range []node{
		{name: "TestA", ran: true, result: "pass"},
		{name: "TestA/x"},
		{name: "TestA/x/y", ran: true, result: "skip", output: "    a_test.go:1: why\n"},
		{name: "TestB", ran: true, result: "fail", output: "    b_test.go:2: broken\n"},
		{name: "TestC", ran: true, output: "panic: oh\n"},
	} {
		if got := root.find(want.name); got.ran != want.ran || got.result != want.result || got.output != want.output {
			t.Errorf("%s: %+v, want %+v", want.name, got, want)
		}
	}
	if len(root.children) != 3 {
		t.Errorf("%d tests, want 3", len(root.children))
	}
}
