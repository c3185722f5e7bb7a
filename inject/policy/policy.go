// Package policy says in Kubernetes' own policy language what package k8s does to pods,
// for clusters that run no webhook.
//
// In a nutshell: Render fills policy.yaml.tmpl, a MutatingAdmissionPolicy whose CEL
// expressions make a JSON patch of a new pod, and its binding. The API server evaluates
// it. An image's own command can't be looked up there, so only containers with a
// command are wrapped.
package policy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"text/template"

	"github.com/lannerhq/lanner/inject/k8s"
)

//go:embed policy.yaml.tmpl
var text string

var tmpl = template.Must(template.New("policy").Option("missingkey=error").Parse(text))

// Config says what a policy is called, and what it leaves alone.
type Config struct {
	Options    k8s.Options
	APIVersion string   // of admissionregistration.k8s.io: v1, v1beta1 or v1alpha1
	Name       string   // of the policy and its binding
	Leave      []string // namespaces besides kube-system
}

var (
	version = regexp.MustCompile(`^v1((alpha|beta)1)?$`)
	name    = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$`)
)

// Render returns the manifests.
func Render(c Config) ([]byte, error) {
	o := c.Options
	switch {
	case !version.MatchString(c.APIVersion):
		return nil, fmt.Errorf("unknown version %q of admissionregistration.k8s.io: v1, v1beta1 or v1alpha1", c.APIVersion)
	case !name.MatchString(c.Name):
		return nil, fmt.Errorf("%q can't be the name of a policy", c.Name)
	case o.InitContainers || o.Sidecars || o.ImageVolume || o.Ptrace != k8s.PtraceNever:
		return nil, errors.New("a policy wraps containers only, from an emptyDir volume, and adds no capability")
	case o.Entrypoints != nil:
		return nil, errors.New("a policy can't look images up")
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	prefix := []string{path.Join(o.Dir, "trace")}
	for _, option := range o.Trace {
		prefix = append(prefix, k8s.Escape(option))
	}
	status := `""`
	if o.Version != "" {
		status = quote(`"version":` + quote(o.Version) + ",") // JSON within a string of CEL
	}
	var out bytes.Buffer
	err := tmpl.Execute(&out, map[string]string{
		"APIVersion": c.APIVersion, "Name": c.Name,
		"Leave":  quote(append([]string{"kube-system"}, c.Leave...)),
		"Prefix": quote(append(prefix, "--")), "Dir": quote(o.Dir), "Image": quote(o.TraceImage),
		"Chosen": quote(empty(o.Containers)), "Excluded": quote(empty(o.Exclude)),
		"Status": status[1 : len(status)-1],
	})
	return out.Bytes(), err
}

func empty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// quote writes a string or a list of strings as JSON, which CEL and YAML read too.
func quote(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings can always be written
	return strings.TrimSpace(b.String())
}
