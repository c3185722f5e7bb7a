package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/ecs"
)

func ecsFormat() format {
	return format{
		name: "ecs", usage: "task definitions of Amazon ECS, and CloudFormation templates", description: ecsDescription,
		flags: append([]cli.Flag{
			sysPtraceFlag("always", "add the capability SYS_PTRACE, for containers that change their user: always (Fargate allows it since platform version 1.4.0) or never"),
		}, commonFlags()...),
		rewriter: func(c *cli.Context) (rewriter, error) {
			common, err := commonOptions(c)
			if err != nil {
				return nil, err
			}
			ptrace, err := sysPtrace(c)
			if err != nil {
				return nil, err
			}
			o := ecs.Options{Options: common, Ptrace: ptrace}
			return func(text []byte) ([]byte, []inject.Result, error) {
				return ecs.Rewrite(context.Background(), text, o, false)
			}, nil
		},
		remove: func(text []byte) ([]byte, []inject.Result, error) {
			return ecs.Rewrite(context.Background(), text, ecs.Options{}, true)
		},
	}
}

// sysPtraceFlag is for formats that can't know better than their user.
func sysPtraceFlag(value, usage string) cli.Flag {
	return &cli.StringFlag{Name: "sys-ptrace", Category: catHow, Value: value, Usage: usage}
}

func sysPtrace(c *cli.Context) (bool, error) {
	choice := c.String("sys-ptrace")
	if choice != "always" && choice != "never" {
		return false, usage(fmt.Sprintf("unknown choice %q for --sys-ptrace: always or never", choice))
	}
	return choice == "always", nil
}

const ecsDescription = `JSON or YAML: a task definition as aws ecs register-task-definition takes it, or
   under taskDefinition, as aws ecs describe-task-definition prints it; or a
   CloudFormation template, of which the AWS::ECS::TaskDefinition resources are
   rewritten. A container that runs first copies trace into a volume; the other
   containers wait for it, and their entry points start with trace from there.

   FireLens, GuardDuty, Service Connect and App Mesh containers stay as they are, and so
   do task definitions for Windows. So does what CloudFormation only knows when it
   deploys, such as an entry point that is a !Ref; a !Ref or !Sub within one is kept.

EXAMPLES:
   inject ecs --entrypoints images.yaml task.json > traced.json
   aws ecs register-task-definition --cli-input-json file://traced.json

   aws ecs describe-task-definition --task-definition web | inject ecs |
       jq '.taskDefinition | del(.taskDefinitionArn, .revision, .status, .requiresAttributes,
           .compatibilities, .registeredAt, .registeredBy)' > traced.json

   inject ecs --diff -i --container app template.yaml
   aws cloudformation deploy --template-file template.yaml --stack-name web`
