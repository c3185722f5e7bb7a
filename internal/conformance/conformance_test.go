package main

import (
	"fmt"
	"strings"
	"testing"
)

const reports = `
{"driver":"ptrace","kernel":"6.12.1","arch":"amd64","edition":"current","events":{"CloseX":{"same":3,"different":0,"cases":["a"]}}}
{"driver":"ptrace","kernel":"6.1.5","arch":"amd64","edition":"current","events":{"CloseX":{"same":9,"different":9,"cases":["a"]}}}
{"driver":"ptrace","kernel":"6.1.5","arch":"amd64","edition":"current","events":{"CloseX":{"same":3,"different":0,"cases":["a"]}}}
{"driver":"ptrace","kernel":"6.1.5","arch":"amd64","edition":"v036","events":{"CloseX":{"same":2,"different":1,"first":"fd: want 7","cases":["a"]},"CloseE":{"same":3,"different":0,"cases":["a"]}}}
{"driver":"kmod","kernel":"6.1.5","arch":"amd64","edition":"current","events":{},"skipped":{"a":"no such | thing"}}
{"driver":"bpf","kernel":"7.1.1","arch":"amd64","unavailable":"too new"}
{"driver":"bpf","kernel":"6.1.5","arch":"amd64","edition":"current","events":{"CloseX":{"same":1,"different":0,"cases":["a"]}}}
{"driver":"bpf","kernel":"6.12.1","arch":"amd64","edition":"current","events":{"CloseX":{"same":1,"different":0,"cases":["a"]}}}
`

// TestWrite: what is the same, what differs and why, and what was not run.
func TestWrite(t *testing.T) {
	runs, err := read(strings.NewReader(reports))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	write(&b, newMatrix(runs))
	got := b.String()
	for _, want := range []string{
		"| 6.1.5 | amd64 | 8 (1) same, 1 (1) different | not run | 1 (1) same | 0 (0) same |\n| 6.12.1 | amd64 | 3 (1) same | not run",
		"| 7.1.1 | amd64 | not run | not run | not available: too new | not run |",
		"* ptrace on 6.1.5 amd64, CloseX, 1 of 6: edition v036: fd: want 7\n",
		"| kmod | a | no such \\| thing | 6.1.5 amd64 |",
		"< `close` | same on 6.12.1 amd64; different on 6.1.5 amd64 |  | same | no such \\| thing |",
		"causes them: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "18") {
		t.Error("the earlier of two runs counts")
	}
}

// TestComplete: a run that is missing is told.
func TestComplete(t *testing.T) {
	var all strings.Builder
	for _, driver := range drivers[:3] {
		for _, edition := range []string{"current", "v036"} {
			fmt.Fprintf(&all, `{"driver":%q,"kernel":"6.1.5","arch":"amd64","edition":%q,"events":{}}`+"\n", driver, edition)
		}
	}
	const unavailable = `{"driver":"kmod","kernel":"6.1.5","arch":"amd64","unavailable":"locked"}`
	for text, want := range map[string]string{
		all.String() + unavailable: "",
		all.String():               "kmod on 6.1.5 amd64: no results of edition current: see what its run says",
		strings.Replace(all.String(), "v036", "v0", 1) + unavailable: "ptrace on 6.1.5 amd64: no results of edition v036: see what its run says",
	} {
		runs, err := read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := complete(runs); fmt.Sprint(err) != want && (err != nil || want != "") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, bad := range []string{"", "{", "[]", "{}\nx"} {
		if _, err := read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
