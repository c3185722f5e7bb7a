package webhook

import (
	"context"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// A Live cluster is one behind an API server.
type Live struct {
	client     kubernetes.Interface
	namespaces listers.NamespaceLister
	synced     cache.InformerSynced
}

// NewLive watches a cluster's namespaces until the context ends.
func NewLive(ctx context.Context, client kubernetes.Interface) *Live {
	factory := informers.NewSharedInformerFactory(client, 10*time.Minute)
	namespaces := factory.Core().V1().Namespaces()
	l := &Live{client: client, namespaces: namespaces.Lister(), synced: namespaces.Informer().HasSynced}
	factory.Start(ctx.Done())
	return l
}

// Ready reports whether the namespaces are known.
func (l *Live) Ready() bool { return l.synced() }

// Namespace is that of Cluster.
func (l *Live) Namespace(name string) (*core.Namespace, error) { return l.namespaces.Get(name) }

// Pod is that of Cluster.
func (l *Live) Pod(ctx context.Context, namespace, name string) (*core.Pod, error) {
	return l.client.CoreV1().Pods(namespace).Get(ctx, name, meta.GetOptions{})
}
