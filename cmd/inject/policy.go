package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject/k8s"
	"github.com/lannerhq/lanner/inject/policy"
)

// policyCommand prints what does the webhook's work without one.
func policyCommand() *cli.Command {
	return &cli.Command{
		Name:      "policy",
		Usage:     "print a MutatingAdmissionPolicy that puts trace into pods, without a webhook",
		UsageText: "inject policy [options] | kubectl apply -f -",
		Description: `Clusters that have MutatingAdmissionPolicy (version v1beta1 of it in Kubernetes 1.34, off
   by default) need no webhook for containers whose command is in the pod. Labels and
   annotations are those of inject webhook.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "api", Value: "v1beta1", Usage: "`VERSION` of admissionregistration.k8s.io: v1, v1beta1 or v1alpha1"},
			&cli.StringFlag{Name: "name", Value: "lanner", Usage: "`NAME` of the policy and its binding"},
			&cli.StringSliceFlag{Name: "leave", Value: cli.NewStringSlice("lanner"), Usage: "leave `NAMESPACE` alone, as kube-system is (may be given again)"},
		}, wrapFlags()...),
		OnUsageError:    usageError,
		HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			common, err := wrapOptions(c)
			if err != nil {
				return err
			}
			o := k8s.Options{Options: common, Ptrace: k8s.PtraceNever, Version: version()}
			out, err := policy.Render(policy.Config{Options: o, APIVersion: c.String("api"), Name: c.String("name"), Leave: c.StringSlice("leave")})
			if err != nil {
				return usage(err.Error())
			}
			_, err = os.Stdout.Write(out)
			return err
		},
	}
}
