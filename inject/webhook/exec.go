package webhook

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
	"github.com/lannerhq/lanner/inject/k8s"
)

// User is the variable in the environment of a command of kubectl exec that names the
// Kubernetes user who runs it. It is in the parameter env of the command's execve, and
// of what the command starts.
const User = "LANNER_K8S_USER"

// capture is the variable that has trace write a capture. A container may set it for
// its own trace; one of kubectl exec would write over it.
const capture = "LANNER_WRITE"

// writesFile reports whether a variable has trace write a capture, or may do so. Streams
// (docs/streams.md) take many.
func writesFile(e core.EnvVar) bool {
	return e.Name == capture && !strings.HasPrefix(e.Value, "unix:") && !strings.HasPrefix(e.Value, "tcp:")
}

// exec wraps the command of kubectl exec, where the container has trace.
func (h *Handler) exec(ctx context.Context, r *admission.AdmissionRequest, options *yaml.Node) ([]inject.Result, error) {
	name := "exec in Pod " + r.Namespace + "/" + r.Name
	skip := func(container, reason string) ([]inject.Result, error) {
		return []inject.Result{{Workload: name, Container: container, Action: inject.Skipped, Reason: reason}}, nil
	}
	pod, err := h.Cluster.Pod(ctx, r.Namespace, r.Name)
	if err != nil {
		return nil, fmt.Errorf("the pod of kubectl exec: %w", err)
	}
	c := container(pod, document.Text(options, "container"))
	if c == nil {
		return skip("", "there is no such container")
	}
	dir := traceDir(c)
	switch {
	case dir == "":
		return skip(c.Name, "trace is not in the container")
	case slices.ContainsFunc(c.Env, writesFile):
		return skip(c.Name, "the container writes a capture, which a second trace would write over")
	}
	if shared := pod.Spec.ShareProcessNamespace; shared != nil && *shared && slices.ContainsFunc(h.ExecTrace, func(s string) bool { return strings.Contains(s, ofFirst) }) {
		return skip(c.Name, "the pod's containers share their processes, and the first is none of this container")
	}
	command, ok := document.Strings(document.Get(options, "command"))
	if !ok || len(command) == 0 {
		return skip(c.Name, "it has no command")
	}
	if inject.Wrapped(command, dir) {
		return skip(c.Name, "its command is wrapped already")
	}
	o := inject.Options{Dir: dir, Trace: slices.Concat([]string{"--env", User + "=" + printable(r.UserInfo.Username)}, h.ExecTrace)}
	wrapped, err := o.Wrap(ctx, inject.Start{Entrypoint: command}, inject.Image{})
	if err != nil {
		return nil, err
	}
	document.Set(options, "command", document.List(true, wrapped...))
	return []inject.Result{{Workload: name, Container: c.Name, Action: inject.Injected}}, nil
}

// ofFirst are the files of the container's first process. It is the container's own
// trace, but not where containers share their processes.
const ofFirst = "/proc/1/"

// DefaultExecTrace are the options for trace with kubectl exec: events go where those
// of the container go, not to the terminal of kubectl; and the command runs whatever
// happens.
var DefaultExecTrace = []string{"--on-failure=run", "--output=" + ofFirst + "fd/2"}

// container finds a container of a pod; without a name, the only one.
func container(pod *core.Pod, name string) *core.Container {
	if name == "" && len(pod.Spec.Containers) == 1 {
		return &pod.Spec.Containers[0]
	}
	for _, list := range [][]core.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return (*core.Container)(&pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		}
	}
	return nil
}

// traceDir is where a container has trace, "" if it does not.
func traceDir(c *core.Container) string {
	for _, m := range c.VolumeMounts {
		if m.Name == k8s.Volume && path.IsAbs(m.MountPath) && m.SubPath == "" {
			return path.Clean(m.MountPath)
		}
	}
	return ""
}

// printable takes control bytes out of a user's name: it comes from whoever
// authenticates users, and becomes a variable.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
