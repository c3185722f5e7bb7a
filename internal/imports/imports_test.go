package imports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/lannerhq/lanner/"

// allowed lists, for each package, the packages of this module that it may
// import. What is not listed may not be imported; a package that is not listed
// may not exist.
var allowed = map[string][]string{
	"kernel/event/spec":      {},
	"kernel/event":           {"kernel/event/spec"},
	"kernel/event/gen":       {"kernel/event", "kernel/event/spec"},
	"kernel/event/eventtest": {"kernel/event", "kernel/event/spec"},

	"internal/snapshot": {},
	"internal/signals":  {},
	"internal/imports":  {},
	"internal/procfs":   {"internal/snapshot", "kernel/event/spec"},

	"kernel/driver": {"kernel/event", "kernel/event/spec"},

	"kernel/uapi":      {},
	"bpf/ops":          {},
	"internal/compile": {},
	"internal/headers": {},

	"bpf/classic": {"bpf/ops", "internal/compile", "internal/headers", "kernel/event/spec", "kernel/uapi"},
	"bpf":         {"bpf/classic", "kernel/driver", "kernel/event", "kernel/event/spec"},
	"kmod":        {"internal/compile", "internal/headers", "kernel/driver", "kernel/event", "kernel/event/spec", "kernel/uapi"},
	"kernel": {
		"bpf", "bpf/classic", "internal/compile", "internal/headers", "internal/procfs", "internal/signals", "internal/snapshot",
		"kernel/driver", "kernel/event/spec", "kmod",
	},
	"ptrace": {"internal/procfs", "internal/signals", "internal/snapshot", "kernel/event", "kernel/event/spec"},

	"internal/state":         {"internal/snapshot", "kernel/event", "kernel/event/spec"},
	"internal/capture":       {"internal/snapshot", "kernel/event", "kernel/event/spec"},
	"internal/output":        {"internal/snapshot", "internal/state", "kernel/event", "kernel/event/spec"},
	"internal/pipeline":      {"internal/state", "kernel/event"},
	"internal/stream":        {"internal/capture", "internal/procfs", "internal/snapshot", "internal/state", "kernel/event", "kernel/event/spec"},
	"internal/container":     {"internal/snapshot", "kernel/event", "kernel/event/spec"},
	"internal/udig":          {"kernel/event", "kernel/event/spec"},
	"internal/udig/udigtest": {"kernel/event"},
	"internal/debian":        {},
	"internal/sysdigtest":    {"internal/debian"},

	"images": {},

	"internal/vmtest":       {"internal/debian", "internal/vmtest/plan", "kernel/event/eventtest"},
	"internal/conformance":  {"kernel/event/eventtest", "kernel/event/spec"},
	"internal/drivertest":   {"kernel/driver", "kernel/event", "kernel/event/eventtest", "kernel/event/spec"},
	"internal/kmodtest":     {"internal/vmtest"},
	"internal/lacktest":     {},
	"internal/fetchtest":    {},
	"internal/probetest":    {"bpf/classic", "internal/headers", "internal/vmtest", "kernel/event/spec"},
	"internal/vmtest/init":  {"internal/vmtest/plan"},
	"internal/vmtest/plan":  {},
	"internal/differential": {"kernel/event", "kernel/event/spec"},
	"internal/bench":        {"internal/capture", "internal/plugin", "internal/snapshot", "internal/udig", "internal/udig/udigtest", "kernel/event", "kernel/event/spec"},

	"inject":            {"inject/document"},
	"inject/document":   {},
	"inject/compose":    {"inject", "inject/document"},
	"inject/dockerfile": {"inject", "inject/document"},
	"inject/ecs":        {"inject", "inject/document"},
	"inject/k8s":        {"inject", "inject/document"},
	"inject/image":      {"inject", "inject/document", "inject/registry"},
	"inject/registry":   {"inject"},
	"inject/injecttest": {"inject"},

	"inject/policy":  {"inject/k8s"},
	"inject/webhook": {"inject", "inject/document", "inject/k8s"},

	"internal/kubetest": {"internal/debian"},
	"cmd/inject": {
		"inject", "inject/compose", "inject/dockerfile", "inject/ecs", "inject/image", "inject/k8s", "inject/policy", "inject/registry", "inject/webhook",
	},

	"internal/plugin": {"internal/snapshot", "internal/stream", "kernel/event", "kernel/event/spec"},
	"cmd/falcoplugin": {"internal/plugin"},

	"cmd/trace": {
		"internal/capture", "internal/container", "internal/output", "internal/pipeline", "internal/procfs", "internal/signals",
		"internal/snapshot", "internal/state", "internal/stream", "internal/udig", "kernel", "kernel/event", "kernel/event/spec", "ptrace",
	},
}

// libraries are the modules that the program itself may use; tools and tests are
// free to use others.
var libraries = []string{"golang.org/x/sys/", "github.com/urfave/cli/v2", "github.com/containerd/cgroups/v3", "github.com/cilium/ebpf", "github.com/flynn/noise"}

// injectLibraries are those that the injector may use besides. They never get into
// trace, which has to be small.
var injectLibraries = []string{
	"go.yaml.in/yaml/v4", "github.com/mattn/go-shellwords", "github.com/aymanbagabas/go-udiff", "golang.org/x/crypto/x509roots/fallback", "golang.org/x/sync/semaphore",
	"github.com/google/go-containerregistry/", "github.com/moby/buildkit/frontend/dockerfile/",
	"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/", "k8s.io/klog/v2", "gomodules.xyz/jsonpatch/v2", "github.com/prometheus/client_golang/",
}

// usable returns the libraries that a package may use.
func usable(pkg string) []string {
	if pkg == "cmd/inject" || pkg == "inject" || strings.HasPrefix(pkg, "inject/") {
		return slices.Concat(libraries, injectLibraries)
	}
	return libraries
}

func TestDirections(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(words[0], module)
		may, known := allowed[pkg]
		if !known {
			t.Errorf("package %s is not in the table: say what it may import", pkg)
			continue
		}
		for _, imp := range words[1:] {
			name, ours := strings.CutPrefix(imp, module)
			switch {
			case ours && !slices.Contains(may, name):
				t.Errorf("%s imports %s", pkg, name)
			case !ours && strings.Contains(strings.Split(imp, "/")[0], ".") &&
				!slices.ContainsFunc(usable(pkg), func(l string) bool { return strings.HasPrefix(imp, l) }):
				t.Errorf("%s imports %s", pkg, imp)
			}
		}
	}
}
