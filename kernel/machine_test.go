package kernel

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes files below a directory of its own; "-> x" makes a link to x.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if len(text) > 3 && text[:3] == "-> " {
			err = os.Symlink(text[3:], path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestLook(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/self/status":                          "Pid:\t7\nCapEff:\t0000004000080000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
		"proc/self/ns/pid":                          "-> pid:[4026532000]",
		"proc/self/ns/user":                         "-> user:[4026531837]",
		"proc/version":                              "Linux version 6.1.0 (someone) #1 SMP\n",
		"proc/sys/kernel/perf_event_paranoid":       "-1\n",
		"proc/sys/kernel/unprivileged_bpf_disabled": "2\n",
		"sys/kernel/security/lockdown":              "none [integrity] confidentiality\n",
		"sys/kernel/tracing/events/enable":          "0\n",
	})
	got := *look(root, env(nil))
	want := Machine{
		Caps: 1<<unix.CAP_PERFMON | 1<<unix.CAP_SYS_PTRACE, Seccomp: 2, NoNewPrivs: true, PIDNS: true, Lockdown: "integrity",
		Tracefs: true, Paranoid: Setting{-1, true}, Unprivileged: Setting{2, true},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// Where nothing can be read nothing is claimed.
	if got := *look(t.TempDir(), env(nil)); got != (Machine{}) {
		t.Errorf("of an empty machine: %+v", got)
	}
}

// TestLookHere: the facts of the machine that the test runs on are those that
// the kernel tells in other ways.
func TestLookHere(t *testing.T) {
	m := Look()
	var hdr = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	if caps := uint64(data[0].Effective) | uint64(data[1].Effective)<<32; m.Caps != caps {
		t.Errorf("capabilities %x, capget says %x", m.Caps, caps)
	}
	nnp, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil || m.NoNewPrivs != (nnp == 1) {
		t.Errorf("no_new_privs %v, prctl says %d %v", m.NoNewPrivs, nnp, err)
	}
	for _, f := range m.Facts() {
		if f.Name == "" || f.Value == "" {
			t.Errorf("fact %+v", f)
		}
	}
}

func TestContainer(t *testing.T) {
	own := map[string]string{"proc/self/ns/uts": "-> uts:[4026532999]"}
	with := func(files ...map[string]string) map[string]string {
		all := maps.Clone(own)
		for _, f := range files {
			maps.Copy(all, f)
		}
		return all
	}
	mount := func(point, dir, options string) map[string]string {
		return map[string]string{"proc/self/mountinfo": "22 1 0:30 " + dir + " " + point + " rw - overlay overlay rw,lowerdir=/l," + options + "\n"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		env   map[string]string
		want  string
	}{
		"nothing":             {nil, nil, ""},
		"docker":              {with(map[string]string{".dockerenv": ""}), nil, "docker"},
		"image of a machine":  {map[string]string{".dockerenv": ""}, nil, ""},
		"podman":              {with(map[string]string{"run/.containerenv": "engine=\"podman-4.3.1\"\n"}), nil, "podman"},
		"podman by variable":  {with(), map[string]string{"container": "podman"}, "podman"},
		"nspawn":              {with(), map[string]string{"container": "systemd-nspawn"}, "systemd-nspawn"},
		"docker by cgroup":    {map[string]string{"proc/self/cgroup": "0::/system.slice/docker-0123.scope\n"}, nil, "docker"},
		"docker's service":    {map[string]string{"proc/self/cgroup": "0::/system.slice/docker.service\n"}, nil, ""},
		"CRI-O by cgroup":     {map[string]string{"proc/self/cgroup": "0::/kubepods.slice/crio-0123.scope\n"}, nil, "cri-o"},
		"containerd, v1":      {map[string]string{"proc/self/cgroup": "3:cpu:/kubepods.slice:cri-containerd:0123\n"}, nil, "containerd"},
		"containerd by root":  {mount("/", "/", "upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs"), nil, "containerd"},
		"docker by hosts":     {mount("/etc/hosts", "/var/lib/docker/containers/0123/hosts", "upperdir=/u"), nil, "docker"},
		"host of containers":  {mount("/var/lib/docker/overlay2/0123/merged", "/", "upperdir=/var/lib/docker/overlay2/0123/diff"), nil, ""},
		"storage of podman":   {mount("/", "/", "upperdir=/var/lib/containers/storage/overlay/0123/diff"), nil, "podman"},
		"lxc":                 {map[string]string{"proc/self/cgroup": "0::/lxc.payload.web\n"}, nil, "lxc"},
		"session on a server": {map[string]string{"proc/self/cgroup": "0::/user.slice/user-0.slice/session-1.scope\n"}, nil, ""},
	} {
		if got := container(tree(t, c.files), env(c.env)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPlatform(t *testing.T) {
	for want, pairs := range map[string]map[string]string{
		"":            {"PATH": "/bin"},
		"ecs-fargate": {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"},
		"cloud-run":   {"K_SERVICE": "web", "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
		"kubernetes":  {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
	} {
		if got := platform(env(pairs)); got != want {
			t.Errorf("%v: %q, want %q", pairs, got, want)
		}
	}
}

func TestGVisor(t *testing.T) {
	for text, want := range map[string]bool{
		"Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016":                     true,
		"Linux version 4.19.0-gvisor #1 SMP Sun Jan 10 15:06:54 PST 2016":             true,
		"Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian": false,
		"": false,
	} {
		if gVisor(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
