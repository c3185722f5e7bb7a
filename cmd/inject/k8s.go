package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/k8s"
)

func k8sFormat() format {
	return format{
		name: "k8s", usage: "Kubernetes manifests", between: "---\n", description: k8sDescription,
		flags: append(k8sFlags(), commonFlags()...),
		rewriter: func(c *cli.Context) (rewriter, error) {
			o, err := k8sOptions(c)
			if err != nil {
				return nil, err
			}
			return func(text []byte) ([]byte, []inject.Result, error) {
				return k8s.Rewrite(context.Background(), text, o, false)
			}, nil
		},
		remove: func(text []byte) ([]byte, []inject.Result, error) {
			return k8s.Rewrite(context.Background(), text, k8s.Options{}, true)
		},
	}
}

const k8sDescription = `YAML or JSON with any objects: the pods of Pod, Deployment, DaemonSet, StatefulSet,
   ReplicaSet, ReplicationController, Job, CronJob, PodTemplate and of lists of them are
   rewritten. An init container copies trace into an emptyDir volume; the containers'
   commands start with it from there.

   A pod's label lanner.dev/inject=disabled keeps it out; its annotations
   lanner.dev/include and lanner.dev/exclude name containers, separated by commas.

   It is also a Helm post-renderer (--post-renderer inject --post-renderer-args k8s) and
   a KRM function: a ResourceList is answered with one, and options are read from its
   functionConfig, under the names that they have here.`

// k8sFlags are those that the webhook has too.
func k8sFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "init", Category: catWhat, Usage: "wrap init containers too"},
		&cli.BoolFlag{Name: "sidecars", Category: catWhat, Usage: "wrap native sidecars too (init containers with restartPolicy: Always)"},
		&cli.StringFlag{Name: "sys-ptrace", Category: catHow, Value: string(k8s.PtraceNever), Usage: "add the capability SYS_PTRACE, for containers that change their user: never, always, or auto: where the namespace says that PodSecurity allows it"},
		&cli.BoolFlag{Name: "image-volume", Category: catHow, Usage: "mount the trace image as a volume (Kubernetes 1.33), without an init container"},
	}
}

func k8sOptions(c *cli.Context) (k8s.Options, error) {
	common, err := commonOptions(c)
	o := k8s.Options{
		Options: common, InitContainers: c.Bool("init"), Sidecars: c.Bool("sidecars"),
		Ptrace: k8s.Ptrace(c.String("sys-ptrace")), ImageVolume: c.Bool("image-volume"), Version: version(),
	}
	if err != nil {
		return o, err
	}
	if err := o.Check(); err != nil {
		return o, usage(err.Error())
	}
	return o, nil
}
