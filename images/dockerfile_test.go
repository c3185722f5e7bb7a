package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestDockerfiles: BuildKit, which docker build uses, takes the Dockerfiles that buildah
// builds in the other tests, and its linter has nothing to say of them.
func TestDockerfiles(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*/Dockerfile", "*/*/Dockerfile"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	if len(files) != 4 {
		t.Errorf("there are %q", files)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		read, err := parser.Parse(f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
			t.Errorf("%s: %s: %s", name, rule, message)
		}})
		if _, _, err := instructions.Parse(read.AST, lint); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
