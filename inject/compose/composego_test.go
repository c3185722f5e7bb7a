package compose

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/injecttest"
)

// load reads a Compose file as Docker Compose does: variables put in, services
// extended, references checked.
func load(t *testing.T, name, text string) *types.Project {
	t.Helper()
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  "testdata",
		ConfigFiles: []types.ConfigFile{{Filename: name, Content: []byte(text)}},
		Environment: map[string]string{"API_USER": "me too", "QUEUE": "$q"},
	}, func(o *loader.Options) {
		o.SetProjectName("test", true)
		o.Profiles = []string{"*"}
	})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

// TestComposeGo: Compose takes what comes out, and starts in it what it started before,
// behind trace; what was skipped is as before.
func TestComposeGo(t *testing.T) {
	prefix := []string{"/lanner/trace", "--format", "it's $x", "--"}
	count := 0
	for _, file := range injecttest.Inputs(t) {
		for _, images := range []bool{false, true} {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(file, "odd") { // Compose refuses what has mistakes
				in = []byte(strings.NewReplacer("  unsplit: {image: a, entrypoint: \"sh -c 'unfinished\"}\n", "", "  nothing:\n", "").Replace(string(in)))
			}
			name := filepath.Base(file)
			o := defaults()
			o.ImageVolume = images
			out, results, err := Rewrite(context.Background(), in, o, false)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(file, "none") {
				continue
			}
			before, after := load(t, name, string(in)), load(t, name, string(out))
			for _, r := range results {
				service := strings.TrimPrefix(r.Workload, "service ")
				was, is := before.Services[service], after.Services[service]
				if r.Action != inject.Injected {
					if !slices.Equal(was.Entrypoint, is.Entrypoint) || len(was.Volumes) != len(is.Volumes) {
						t.Errorf("%s: %s was skipped, and starts %q, not %q", name, service, is.Entrypoint, was.Entrypoint)
					}
					continue
				}
				count++
				if was.Entrypoint != nil && !slices.Equal(is.Entrypoint, slices.Concat(prefix, was.Entrypoint)) || !slices.Equal(is.Command, was.Command) {
					t.Errorf("%s: %s starts %q %q, not %q %q", name, service, is.Entrypoint, is.Command, was.Entrypoint, was.Command)
				}
				if was.Entrypoint == nil && (len(is.Entrypoint) != 7 || !slices.Equal(is.Entrypoint[:4], []string{"/lanner/trace", "run-entrypoint", "--format", "it's $x"})) {
					t.Errorf("%s: %s starts %q", name, service, is.Entrypoint)
				}
				if len(is.Volumes) != len(was.Volumes)+1 || !slices.Contains(is.CapAdd, "SYS_PTRACE") {
					t.Errorf("%s: %s has volumes %v, capabilities %v", name, service, is.Volumes, is.CapAdd)
				}
				wait, waits := is.DependsOn[Install]
				if waits == images || waits && wait.Condition != types.ServiceConditionCompletedSuccessfully || !waits && len(is.DependsOn) != len(was.DependsOn) {
					t.Errorf("%s: %s waits for %v", name, service, is.DependsOn)
				}
			}
			if _, ok := after.Services[Install]; ok == images {
				t.Errorf("%s: the service that installs is in it: %v", name, ok)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d services were wrapped", count)
	}
}
