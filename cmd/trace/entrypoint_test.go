package main

import (
	"slices"
	"strings"
	"testing"
)

// TestEntrypoint: which of an image's commands is run, and with which arguments.
func TestEntrypoint(t *testing.T) {
	const both = `{"linux/amd64":{"entrypoint":["/a"],"cmd":["x"]},"linux/arm64/v8":{"cmd":["/b","y"]},"linux/arm64/v9":{"cmd":["/c"]}}`
	for _, c := range []struct {
		commands, platform string
		args, want         []string
		err                string
	}{
		{`{"*":{"entrypoint":["/a"],"cmd":["x"]}}`, "linux/amd64", nil, []string{"/a", "x"}, ""},
		{`{"*":{"entrypoint":["/a"],"cmd":["x"]}}`, "linux/amd64", []string{"y", "z"}, []string{"/a", "y", "z"}, ""},
		{`{"*":{"cmd":["x"]}}`, "linux/amd64", []string{"y"}, []string{"y"}, ""},
		{both, "linux/amd64", nil, []string{"/a", "x"}, ""},
		{both, "linux/arm64", nil, []string{"/b", "y"}, ""},
		{both, "linux/s390x", nil, nil, "no command for linux/s390x, only for linux/amd64, linux/arm64/v8, linux/arm64/v9"},
		{`{"linux/amd64":{"cmd":["x"]}}`, "linux/arm64", nil, []string{"x"}, ""},
		{`{"*":{}}`, "linux/amd64", nil, nil, "the image has no command for *"},
		{`{"*":{}}`, "linux/amd64", []string{"ls"}, []string{"ls"}, ""},
		{`{}`, "linux/amd64", []string{"ls"}, nil, "the image has no command for linux/amd64"},
		{`{"*":{"cmd":"x"}}`, "linux/amd64", nil, nil, "not the commands of an image"},
		{`[1]`, "linux/amd64", nil, nil, "not the commands of an image"},
		{``, "linux/amd64", nil, nil, "not the commands of an image"},
	} {
		got, err := entrypoint(c.commands, c.platform, c.args)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s on %s: %q, %v, want %s", c.commands, c.platform, got, err, c.err)
			}
		} else if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s on %s: %q, %v, want %q", c.commands, c.platform, got, err, c.want)
		}
	}
}

// TestRunEntrypoint: the command that is found is traced as any other is.
func TestRunEntrypoint(t *testing.T) {
	const sh = `{"*":{"entrypoint":["sh","-c"],"cmd":["exit 3"]}}`
	opts := []string{traceBin, "run-entrypoint", "-e", "procexit", "--format", "%proc.name", "--entrypoints"}
	if got := run(t, append(opts, sh, "--")...); got.code != 3 || got.err != "sh\n" {
		t.Errorf("%+v", got)
	}
	if got := run(t, append(opts, sh, "--", "echo $0; exit 4", "-q")...); got.code != 4 || got.out != "-q\n" || got.err != "sh\n" {
		t.Errorf("with arguments: %+v", got)
	}
	if got := runWith(t, []string{"LANNER_QUIET=1"}, traceBin, "run-entrypoint", "--entrypoints", sh); got.code != 3 || got.err != "" {
		t.Errorf("by environment: %+v", got)
	}
	for _, bad := range [][]string{{"--"}, {"--entrypoints", "x", "--"}, {"--entrypoints", `{"*":{}}`, "--"}, {"--entrypoints", sh, "-p", "1"}, {"--json", "--format", "x", "--entrypoints", sh}} {
		if got := run(t, append([]string{traceBin, "run-entrypoint"}, bad...)...); got.code == 0 || got.out != "" || !strings.HasPrefix(got.err, "trace: ") || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func FuzzEntrypoint(f *testing.F) {
	f.Add(`{"*":{"entrypoint":["/a"],"cmd":["x"]}}`, "linux/amd64")
	f.Add(`{"linux/arm64/v8":{"cmd":["/b","y"]}}`, "linux/arm64")
	f.Add(`{"":{"cmd":[""]}}`, "")
	f.Fuzz(func(t *testing.T, commands, platform string) {
		if argv, err := entrypoint(commands, platform, nil); err == nil && len(argv) == 0 {
			t.Error("no command and no error")
		}
	})
}
