package signals

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestExec: what a program is started with is what the one gets that it becomes,
// though the Go runtime was there in between.
func TestExec(t *testing.T) {
	become := filepath.Join(t.TempDir(), "become") // tests themselves have no symbols
	if out, err := exec.Command("go", "build", "-o", become, "./testdata/become").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	masks := regexp.MustCompile(`Sig(Blk|Ign):\t([0-9a-f]*)`)
	for _, given := range [][]string{
		{"--default-signal"},
		{"--ignore-signal=TERM,PIPE,USR1,QUIT,INT,HUP,CHLD,URG"},
		{"--default-signal", "--block-signal=TERM,CHLD,SEGV,URG,PROF,INT,34"},
		{"--ignore-signal=TERM", "--block-signal=TERM"},
	} {
		read := func(program ...string) string {
			t.Helper()
			cmd := exec.Command("env", append(given, program...)...)
			out, err := cmd.Output()
			found := masks.FindAllString(string(out), -1)
			if err != nil || len(found) != 2 {
				t.Fatalf("%v: %v %q", cmd.Args, err, out)
			}
			return found[0] + " " + found[1]
		}
		want := read("cat", "/proc/self/status")
		if got := read(become, "/bin/cat", "/proc/self/status"); got != want {
			t.Errorf("%v: %s, want %s", given, got, want)
		}
	}
}
