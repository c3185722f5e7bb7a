package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/webhook"
)

// Categories of the webhook's options.
const (
	catServer = "server"
	catExec   = "kubectl exec"
)

// webhookCommand is the admission webhook.
func webhookCommand() *cli.Command {
	return &cli.Command{
		Name:      "webhook",
		Usage:     "put trace into pods while the API server admits them",
		UsageText: "inject webhook [options]",
		Description: `A mutating admission webhook for pods and their ephemeral containers, and for kubectl
   exec. inject/manifests installs it. It leaves alone kube-system and its own namespace,
   and what has not opted in: a namespace or a pod with the label lanner.dev/inject=enabled
   has. What became of a pod is in its annotation lanner.dev/status.

   Without --tls-cert the webhook makes its certificate itself, keeps it in a Secret, and
   writes its authority into the MutatingWebhookConfiguration.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Category: catServer, Value: ":8443", Usage: "`ADDRESS` for reviews, " + webhook.HealthPath + ", " + webhook.ReadyPath + " and " + webhook.MetricsPath},
			&cli.StringFlag{Name: "tls-cert", Category: catServer, Usage: "certificate in PEM `FILE`, read again when it changes"},
			&cli.StringFlag{Name: "tls-key", Category: catServer, Usage: "its key in PEM `FILE`"},
			&cli.StringFlag{Name: "client-ca", Category: catServer, Usage: "take reviews only from who has a certificate of the authorities in PEM `FILE` (the API server is given one by its admission configuration)"},
			&cli.StringFlag{Name: "namespace", Category: catServer, Usage: "`NAMESPACE` that the webhook runs in (default: that of its service account)"},
			&cli.StringFlag{Name: "service", Category: catServer, Value: "lanner-webhook", Usage: "`NAME` of its Service"},
			&cli.StringFlag{Name: "secret", Category: catServer, Value: "lanner-webhook-tls", Usage: "`NAME` of the Secret for its own certificate"},
			&cli.StringFlag{Name: "configuration", Category: catServer, Value: "lanner", Usage: "`NAME` of its MutatingWebhookConfiguration"},
			&cli.StringFlag{Name: "kubeconfig", Category: catServer, Usage: "`FILE` that says where the API server is (default: that of the pod)"},
			&cli.BoolFlag{Name: "exec", Category: catExec, Usage: "wrap the commands of kubectl exec; the user is in their environment, " + webhook.User},
			&cli.StringFlag{Name: "exec-trace", Category: catExec, Value: strings.Join(webhook.DefaultExecTrace, " "), Usage: "`OPTIONS` for trace there"},
		}, append(k8sFlags(), commonFlags()...)...),
		OnUsageError:    usageError,
		HideHelpCommand: true,
		Action:          serve,
	}
}

// namespaceFile is where a pod finds its namespace (kubernetes.io, "Accessing the
// Kubernetes API from a Pod").
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

func serve(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return usage("inject webhook takes no arguments")
	}
	o, err := k8sOptions(c)
	if err != nil {
		return err
	}
	o.Status = true
	execTrace, err := inject.Words(c.String("exec-trace"))
	if err != nil {
		return usage("--exec-trace " + err.Error())
	}
	if c.IsSet("tls-cert") != c.IsSet("tls-key") {
		return usage("--tls-cert and --tls-key go together")
	}
	clients, err := authorities(c.String("client-ca"))
	if err != nil {
		return err
	}
	namespace := c.String("namespace")
	if namespace == "" {
		text, err := os.ReadFile(namespaceFile)
		if err != nil {
			return usage("this is no pod with a service account: --namespace says where the webhook runs")
		}
		namespace = strings.TrimSpace(string(text))
	}
	config, err := apiServer(c.String("kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("the API server: %w", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	klog.SetSlogLogger(log) // that of the client library
	cluster := webhook.NewLive(ctx, client)
	metrics := webhook.NewMetrics(version())
	handler := &webhook.Handler{
		Options: o, Own: namespace, Exec: c.Bool("exec"), ExecTrace: execTrace,
		Cluster: cluster, Metrics: metrics, Log: log,
	}
	var certs webhook.Certificates
	if c.IsSet("tls-cert") {
		files := &webhook.Files{Cert: c.String("tls-cert"), Key: c.String("tls-key"), Metrics: metrics}
		if _, err := files.Certificate(nil); err != nil {
			return err
		}
		certs = files
	} else {
		keeper := &webhook.Keeper{
			Client: client, Namespace: namespace, Secret: c.String("secret"), Service: c.String("service"),
			Configuration: c.String("configuration"), Metrics: metrics, Log: log,
		}
		go keeper.Run(ctx)
		certs = keeper
	}
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return err
	}
	log.Info("serving", "address", listener.Addr().String(), "namespace", namespace, "version", version())
	return webhook.Serve(ctx, listener, handler, certs, clients, cluster.Ready)
}

// apiServer is where it is: in a file, or where pods find it.
func apiServer(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, usage("this is no pod with a service account: --kubeconfig says where the API server is")
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("the API server: %w", err)
	}
	return config, nil
}

// authorities reads a file of certificates; nil for none.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--client-ca %s: there is no certificate in it", file)
	}
	return pool, nil
}
