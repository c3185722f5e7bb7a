package ecs

import (
	"context"
	"testing"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/injecttest"
)

func defaults() Options {
	return Options{
		Options: inject.Options{Dir: inject.DefaultDir, TraceImage: "example.com/trace:1", Trace: []string{"-e", "execve"}, Entrypoints: inject.Map{
			"redis": {inject.AnyPlatform: {Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"redis-server"}}},
			"!Sub ${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/app:7": {inject.AnyPlatform: {Cmd: []string{"/app"}}},
		}},
		Ptrace: true,
	}
}

// rewriting rewrites with options.
func rewriting(o Options) injecttest.Rewrite {
	return func(text []byte, remove bool) ([]byte, []inject.Result, error) {
		return Rewrite(context.Background(), text, o, remove)
	}
}

// run rewrites a text that can be read.
func run(t *testing.T, in []byte, o Options, remove bool) (out, said string) {
	t.Helper()
	return rewriting(o).Run(t, string(in), remove)
}

func TestGolden(t *testing.T) {
	injecttest.Golden(t, func(string) injecttest.Rewrite { return rewriting(defaults()) })
}
