package kernel

import (
	"os"
	"strings"

	"github.com/lannerhq/lanner/internal/procfs"
)

// gVisor recognizes its kernel by the text of /proc/version. The date has been
// the same in all its releases; newer ones have the name as well (gVisor:
// pkg/sentry/syscalls/linux/linux64.go).
func gVisor(version string) bool {
	return strings.Contains(version, "gvisor") || strings.Contains(version, "Sun Jan 10 15:06:54 PST 2016")
}

// marks are what container runtimes leave in the path of a cgroup, in the upper
// directory of the root and in where files like /etc/hosts are mounted from. The
// first that fits counts: the names of the storage are shared by podman and
// CRI-O, and containerd is below docker.
var marks = []struct{ text, runtime string }{
	{"/crio-", "cri-o"}, {"/libpod-", "podman"}, {"/docker-", "docker"}, {"/docker/", "docker"},
	{"cri-containerd", "containerd"}, {"io.containerd.", "containerd"}, {"/var/lib/containerd/", "containerd"},
	{"/lxc/", "lxc"}, {"/lxc.payload", "lxc"}, {"/containers/storage/", "podman"},
}

// container names what runs the container that we are in, empty if nothing tells
// of one.
func container(root string, env func(string) string) string {
	if exists(root+"/.dockerenv") && isolated(root) {
		return "docker"
	}
	if text, err := os.ReadFile(root + "/run/.containerenv"); err == nil && strings.Contains(string(text), `engine="podman`) {
		return "podman"
	}
	clues := clues(root)
	for _, m := range marks {
		if strings.Contains(clues, m.text) {
			return m.runtime
		}
	}
	// Set by podman, LXC and systemd-nspawn (systemd.io/CONTAINER_INTERFACE).
	if name := env("container"); name != "" {
		return name
	}
	return ""
}

// isolated reports whether we have a namespace of our own of some kind. A file
// that a runtime left behind is no proof: images of machines are made from those
// of containers. The numbers are those of include/linux/proc_ns.h.
func isolated(root string) bool {
	ns := root + "/proc/self/ns/"
	return leadsElsewhere(ns+"pid", initPIDNS) || leadsElsewhere(ns+"user", initUserNS) ||
		leadsElsewhere(ns+"cgroup", "cgroup:[4026531835]") || leadsElsewhere(ns+"uts", "uts:[4026531838]") ||
		leadsElsewhere(ns+"ipc", "ipc:[4026531839]")
}

// clues collects the texts that marks are looked for in. Only mounts that a
// runtime makes for the container itself are taken: the host of containers has
// their file systems among its own.
func clues(root string) string {
	text, _ := os.ReadFile(root + "/proc/self/cgroup") // none on gVisor
	var b strings.Builder
	b.Write(text)
	text, _ = os.ReadFile(root + "/proc/self/mountinfo")
	mounts, _ := procfs.ParseMountinfo(text)
	for i := range mounts {
		switch m := &mounts[i]; m.Point {
		case "/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf":
			b.WriteString("\n" + m.Root + "\n" + m.Upper)
		}
	}
	return b.String()
}

// platform names where a container runs, as far as that decides what may be asked
// for there. The variables are documented by their platforms.
func platform(env func(string) string) string {
	switch {
	case env("AWS_EXECUTION_ENV") == "AWS_ECS_FARGATE":
		return "ecs-fargate"
	case env("K_SERVICE") != "" || env("CLOUD_RUN_JOB") != "":
		return "cloud-run"
	case env("KUBERNETES_SERVICE_HOST") != "":
		return "kubernetes"
	}
	return ""
}
