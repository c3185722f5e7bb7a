// Package container tells which container this process is in, and puts that into the
// events of a tracer that runs there.
//
// In a nutshell: readers of events know a container by its id in the cgroups of a
// process. A tracer on the host sees it there; one inside of a container, with a cgroup
// namespace of its own, sees "/" (cgroup_namespaces(7)). ID finds the id in other
// places, and Source and Snapshot add it to cgroups that have none, as the last part of
// the path, where every reader looks for it.
package container

import (
	"context"
	"os"
	"regexp"
	"strings"
	"time"
)

// id matches the id of a container: 64 hexadecimal digits, as container engines choose
// them, or 32 and a number, as ECS does on Fargate.
var id = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{9,10})(?:[^0-9a-f]|$)`)

// find returns the last id in a text, empty if there is none.
func find(text string) string {
	all := id.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// ecsEnv is set by ECS in each container (Amazon ECS task metadata endpoint version 4).
const ecsEnv = "ECS_CONTAINER_METADATA_URI_V4"

// patience bounds the question to ECS.
const patience = time.Second

// ID returns the id of the container of this process, empty if it is in none or that
// cannot be told: from its cgroup, from ECS, or from what the engine has mounted.
func ID() string {
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		if id := fromCgroup(string(text)); id != "" {
			return id
		}
	}
	if uri := os.Getenv(ecsEnv); uri != "" {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if id, err := fromECS(ctx, uri); err == nil {
			return id
		}
	}
	if text, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		return fromMountinfo(string(text))
	}
	return ""
}

// fromCgroup finds the id in lines of "id:controllers:path" (cgroups(7)).
func fromCgroup(text string) string {
	for line := range strings.Lines(text) {
		if _, path, ok := strings.Cut(line, ":/"); ok {
			if id := find(path); id != "" {
				return id
			}
		}
	}
	return ""
}

// engineFile matches the source of a file that Docker or Podman mounts into each
// container. (Kubernetes' engines mount those of the pod, whose id is another one.)
var engineFile = regexp.MustCompile(`/(?:[a-z]+-)?containers/([0-9a-f]{64})/(?:userdata/)?(?:hostname|resolv\.conf|hosts)$`)

// fromMountinfo finds the id in what is mounted: the fourth field is the root of the
// mount within its file system, the fifth where it is (proc_pid_mountinfo(5)).
func fromMountinfo(text string) string {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], "/etc/") {
			if m := engineFile.FindStringSubmatch(f[3]); m != nil {
				return m[1]
			}
		}
	}
	return ""
}
