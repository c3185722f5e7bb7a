package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/registry"
)

// lookupFlags say how the commands of images are found that workloads do not name.
func lookupFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "entrypoints", Category: catImage, Usage: "look images up in map `FILE` (YAML: IMAGE: {entrypoint: [...], cmd: [...]}), and those that are not there in their registries"},
		&cli.BoolFlag{Name: "offline", Category: catImage, Usage: "ask no registry"},
		&cli.BoolFlag{Name: "pull-secrets", Category: catImage, Usage: "use the pods' image pull secrets and service accounts, from the cluster (KUBECONFIG, or the one that this runs in)"},
	}, registryFlags()...)
}

// registryFlags say how registries are asked.
func registryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "mirror", Category: catImage, Usage: "ask a mirror first, `HOST=MIRROR` as docker.io=mirror.example.com/hub (may be given again)"},
		&cli.StringFlag{Name: "ca-file", Category: catImage, Usage: "trust the certificates in `FILE` (PEM) besides the system's"},
	}
}

// lookup reads them; nil: images are not looked up.
func lookup(c *cli.Context) (inject.Entrypoints, error) {
	var in inOrder
	if file := c.String("entrypoints"); file != "" {
		m, err := inject.ReadMap(file)
		if err != nil {
			return nil, err
		}
		in = append(in, m)
	}
	if !c.Bool("offline") {
		r, err := openRegistry(c)
		if err != nil {
			return nil, err
		}
		in = append(in, r)
	}
	if len(in) == 0 {
		return nil, nil
	}
	return in, nil
}

// openRegistry reads the options for registries.
func openRegistry(c *cli.Context) (*registry.Registry, error) {
	o := registry.Options{CAFile: c.String("ca-file"), Mirrors: map[string]string{}}
	for _, m := range c.StringSlice("mirror") {
		host, mirror, ok := strings.Cut(m, "=")
		if !ok || host == "" || mirror == "" {
			return nil, usage(fmt.Sprintf("--mirror %q is not HOST=MIRROR", m))
		}
		o.Mirrors[host] = mirror
	}
	if c.Bool("pull-secrets") {
		config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("--pull-secrets: there is no cluster: %w", err)
		}
		if o.Cluster, err = kubernetes.NewForConfig(config); err != nil {
			return nil, fmt.Errorf("--pull-secrets: %w", err)
		}
	}
	return registry.New(o)
}

// inOrder asks one after the other. The last one says what is wrong.
type inOrder []inject.Entrypoints

func (in inOrder) Entrypoints(ctx context.Context, img inject.Image) (found inject.Commands, err error) {
	for _, e := range in {
		if found, err = e.Entrypoints(ctx, img); err == nil {
			return found, nil
		}
	}
	return nil, err
}
