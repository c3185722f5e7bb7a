package inject

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v4"
)

// An Image is an image as a workload names it, with what may help to get at it.
type Image struct {
	Name           string   // reference, as in the workload
	Namespace      string   // Kubernetes: of the pod
	ServiceAccount string   // Kubernetes: of the pod, "" for the default one
	PullSecrets    []string // Kubernetes: names of the pod's image pull secrets
}

// An Entrypoints knows what images start.
type Entrypoints interface {
	// Entrypoints returns an image's own commands. An error says in one line, with
	// the image's name, why they are not known.
	Entrypoints(context.Context, Image) (Commands, error)
}

// Commands are what an image starts, by platform (os/arch[/variant]). trace
// run-entrypoint takes the one of the machine that it runs on, or the only one.
type Commands map[string]Command

// A Command is what an image's configuration says.
type Command struct {
	Entrypoint []string `json:"entrypoint,omitempty" yaml:"entrypoint"`
	Cmd        []string `json:"cmd,omitempty" yaml:"cmd"`
}

// AnyPlatform is the key of a command that does not depend on the platform.
const AnyPlatform = "*"

// String is the commands as JSON, platforms in order; one entry if all are the same.
func (c Commands) String() string {
	var first *Command
	for _, cmd := range c {
		if first != nil && !first.equal(cmd) {
			first = nil
			break
		}
		first = &cmd
	}
	if first != nil {
		c = Commands{AnyPlatform: *first}
	}
	out, _ := json.Marshal(c) // strings can always be written
	return string(out)
}

func (c Command) equal(d Command) bool {
	return slices.Equal(c.Entrypoint, d.Entrypoint) && slices.Equal(c.Cmd, d.Cmd)
}

// check returns why an image's commands are of no use.
func (c Commands) check(s Start, img Image) error {
	for _, cmd := range c {
		if len(cmd.Entrypoint)+len(cmd.Cmd) > 0 || len(s.Args) > 0 {
			return nil
		}
	}
	return Skip(fmt.Sprintf("image %s has no command, and the workload has none either", img.Name))
}

// A Map is an Entrypoints read from a file, for use without a registry.
type Map map[string]Commands

// ReadMap reads a map file, YAML or JSON. An image's name, as workloads write it, leads
// to its command, or to its commands by platform:
//
//	nginx:1.27: {entrypoint: [/docker-entrypoint.sh], cmd: [nginx, -g, daemon off;]}
//	example.com/app:
//	  linux/amd64: {cmd: [/app-amd64]}
//	  linux/arm64: {cmd: [/app-arm64]}
func ReadMap(file string) (Map, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m, err := parseMap(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

func parseMap(text []byte) (Map, error) {
	var images map[string]yaml.Node
	if err := yaml.Load(text, &images); err != nil {
		return nil, err
	}
	m := Map{}
	for name, n := range images {
		var cmd Command
		if strict(&n, &cmd) == nil {
			m[name] = Commands{AnyPlatform: cmd}
			continue
		}
		var by Commands
		if err := strict(&n, &by); err != nil || len(by) == 0 {
			return nil, fmt.Errorf("line %d: image %s takes {entrypoint: [...], cmd: [...]}, or platforms with that", n.Line, name)
		}
		m[name] = by
	}
	return m, nil
}

func strict(n *yaml.Node, v any) error { return n.Load(v, yaml.WithKnownFields()) }

// Entrypoints looks an image up by its name.
func (m Map) Entrypoints(_ context.Context, img Image) (Commands, error) {
	if c, ok := m[img.Name]; ok {
		return c, nil
	}
	return nil, fmt.Errorf("image %s is not in the map file", img.Name)
}
