package k8s

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// sysPtrace is the capability, as Kubernetes writes it.
const sysPtrace = "SYS_PTRACE"

// capability gives a container SYS_PTRACE where that was asked for, or takes it away
// if it was ours, and reports whether it is there because of us.
func (c *container) capability(want Ptrace, level string, spec *yaml.Node, had bool) bool {
	add, _ := document.Strings(document.Walk(c.node, "securityContext", "capabilities", "add"))
	switch has := slices.Contains(add, sysPtrace) || slices.Contains(add, "ALL"); {
	case want == PtraceNever, want == PtraceAuto && !c.useful(level, spec):
		if had {
			c.dropCapability()
		}
		return false
	case has:
		return had
	}
	caps := document.EditMap(document.EditMap(c.node, "securityContext"), "capabilities")
	list := document.Edit(caps, "add")
	if list == nil {
		document.Set(caps, "add", document.List(true, sysPtrace))
	} else {
		list.Content = append(list.Content, document.String(sysPtrace))
	}
	return true
}

// useful reports whether SYS_PTRACE is allowed and has an effect. Levels baseline and
// restricted of PodSecurity forbid it; a container that does not start as root never
// has it, as Kubernetes knows no ambient capabilities.
func (c *container) useful(level string, spec *yaml.Node) bool {
	if level != "privileged" {
		return false
	}
	uid, nonRoot := identity(c.node, spec)
	return nonRoot != "true" && (uid == "" || uid == "0")
}

// identity is the user that a container says, or the pod for it; "" where neither
// does.
func identity(container, spec *yaml.Node) (uid, nonRoot string) {
	return identityOf(document.Get(container, "securityContext"), spec)
}

func identityOf(security, spec *yaml.Node) (uid, nonRoot string) {
	uid, nonRoot = document.Text(security, "runAsUser"), document.Text(security, "runAsNonRoot")
	if uid == "" {
		uid = document.Text(spec, "securityContext", "runAsUser")
	}
	if nonRoot == "" {
		nonRoot = document.Text(spec, "securityContext", "runAsNonRoot")
	}
	return uid, nonRoot
}

// dropCapability takes SYS_PTRACE away, and what it leaves empty.
func (c *container) dropCapability() {
	security := document.Edit(c.node, "securityContext")
	caps := document.Edit(security, "capabilities")
	list := document.Edit(caps, "add")
	if list == nil {
		return
	}
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n.Value == sysPtrace })
	if len(list.Content) > 0 {
		return
	}
	document.Remove(caps, "add")
	if len(caps.Content) == 0 {
		document.Remove(security, "capabilities")
	}
	if len(security.Content) == 0 {
		document.Remove(c.node, "securityContext")
	}
}

// The init container's resources, where the pod has any: enough to copy a file. They
// are limits and requests at once, so that they change no pod's class of service, and
// so small that they change no pod's sum (the larger of init containers' and the
// others').
const (
	installCPU    = "100m"
	installMemory = "64Mi"
)

// anyUser runs the init container where the user is to be the image's and not root: the
// image of trace, which is also one to build on, names none.
const anyUser = 65532

// An initContainer is ours, with its fields in the usual order.
type initContainer struct {
	Name      string         `yaml:"name"`
	Image     string         `yaml:"image"`
	Command   []string       `yaml:"command,flow"`
	Resources map[string]any `yaml:"resources,omitempty"`
	Security  map[string]any `yaml:"securityContext"`
	Mounts    []mount        `yaml:"volumeMounts"`
}

type mount struct {
	Name     string `yaml:"name"`
	Path     string `yaml:"mountPath"`
	ReadOnly bool   `yaml:"readOnly,omitempty"`
}

type volume struct {
	Name     string            `yaml:"name"`
	EmptyDir *struct{}         `yaml:"emptyDir,omitempty"`
	Image    map[string]string `yaml:"image,omitempty"`
}

// installer is the init container that copies trace into the volume. It runs as the
// first of the containers that are wrapped, whose security context is given, and with
// nothing that PodSecurity's level restricted forbids.
func installer(spec *yaml.Node, o *Options, user *yaml.Node) *yaml.Node {
	security := map[string]any{
		"allowPrivilegeEscalation": false,
		"capabilities":             map[string]any{"drop": []string{"ALL"}},
		"readOnlyRootFilesystem":   true,
	}
	for _, key := range []string{"runAsUser", "runAsGroup"} {
		if id, err := strconv.ParseInt(document.Text(user, key), 10, 64); err == nil {
			security[key] = id
		}
	}
	if uid, nonRoot := identityOf(user, spec); uid == "" && nonRoot == "true" {
		security["runAsUser"] = anyUser
	}
	if nonRoot := document.Text(user, "runAsNonRoot"); nonRoot != "" {
		security["runAsNonRoot"] = nonRoot == "true"
	}
	if options := texts(user, "seLinuxOptions", "user", "role", "type", "level"); options != nil {
		security["seLinuxOptions"] = options
	}
	if profile := texts(user, "seccompProfile", "type", "localhostProfile"); profile != nil {
		security["seccompProfile"] = profile
	} else if document.Walk(spec, "securityContext", "seccompProfile") == nil {
		security["seccompProfile"] = map[string]string{"type": "RuntimeDefault"}
	}
	c := initContainer{Name: Init, Image: o.TraceImage, Command: []string{"/trace", "install", o.Dir}, Security: security, Mounts: []mount{{Name: Volume, Path: o.Dir}}}
	if hasResources(spec) {
		amount := map[string]any{"cpu": installCPU, "memory": installMemory}
		c.Resources = map[string]any{"limits": amount, "requests": amount}
	}
	return document.Make(c)
}

// texts takes fields over from a mapping; nil if there are none.
func texts(m *yaml.Node, key string, fields ...string) map[string]string {
	var found map[string]string
	for _, f := range fields {
		if v := document.Text(m, key, f); v != "" {
			if found == nil {
				found = map[string]string{}
			}
			found[f] = v
		}
	}
	return found
}

// hasResources reports whether a container of the pod asks for resources.
func hasResources(spec *yaml.Node) bool {
	for _, key := range []string{"initContainers", "containers"} {
		for _, c := range document.Items(document.Get(spec, key)) {
			if document.Text(c, "name") != Init && (document.Walk(c, "resources", "limits") != nil || document.Walk(c, "resources", "requests") != nil) {
				return true
			}
		}
	}
	return false
}
