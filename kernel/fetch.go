package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lannerhq/lanner/internal/compile"
)

// fetch takes what somebody has built, if it is what was asked for.
func (b *Build) fetch(ctx context.Context, to string) error {
	from, err := b.expand(b.URL)
	if err != nil {
		return err
	}
	if err := compile.Need("the package curl", "curl"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trace-fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	got := *b
	got.File = filepath.Join(dir, "file")
	// What runs in the kernel does not come by a way that anybody can write to.
	if _, err := compile.Run(ctx, dir, "curl", "--fail", "--globoff", "--silent", "--show-error", "--location", "--proto", "=https", "--proto-redir", "=https",
		"--max-filesize", "64M", "--max-time", "300", "--output", got.File, "--", from); err != nil {
		return fmt.Errorf("fetch %s: %w", from, err)
	}
	if a := got.inspect(b.Release); !a.Usable {
		return fmt.Errorf("what is at %s can't be used: %s", from, a.wrong)
	}
	return compile.Install(got.File, to)
}

// expand puts what is fetched into a URL: {driver}, {kernel}, {arch} and {profile}
// stand for what it is of.
func (b *Build) expand(template string) (string, error) {
	words := map[string]string{
		"driver": b.Driver, "kernel": b.Release, "arch": map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH],
		"profile": b.edition(),
	}
	var out strings.Builder
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "{")
		out.WriteString(before)
		if !found {
			break
		}
		word, after, closed := strings.Cut(after, "}")
		value, known := words[word]
		if !closed || !known {
			return "", fmt.Errorf("--url %s: {%s} is none of {driver}, {kernel}, {arch} and {profile}", template, word)
		}
		out.WriteString(value)
		rest = after
	}
	if !strings.HasPrefix(out.String(), "https://") {
		return "", fmt.Errorf("--url %s: what runs in the kernel is only fetched by https", template)
	}
	return out.String(), nil
}
