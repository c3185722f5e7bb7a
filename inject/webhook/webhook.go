// Package webhook puts trace into pods while the API server admits them.
//
// In a nutshell: the API server posts an AdmissionReview to a Handler, which edits the
// object in it with package k8s and answers with the differences as a JSON patch
// (review.go); for kubectl exec it wraps the command that is asked for (exec.go). Every
// answer admits: what can't be changed is left as it is, and the pod's status
// annotation says why. Serve (serve.go) is the server around it; its certificate is
// given as files (files.go), or made, renewed and announced by a Keeper (keeper.go).
//
// A Handler serves many requests at once; the options are not changed once it serves.
package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/lannerhq/lanner/inject/k8s"
)

// A Cluster is what a Handler asks about the cluster that it serves.
type Cluster interface {
	// Namespace returns a namespace, from a cache.
	Namespace(name string) (*core.Namespace, error)
	// Pod returns a pod as it is now.
	Pod(ctx context.Context, namespace, name string) (*core.Pod, error)
}

// A Handler answers admission reviews.
type Handler struct {
	Options   k8s.Options
	Own       string   // the namespace that the webhook runs in, which it leaves alone
	Exec      bool     // wrap the commands of kubectl exec
	ExecTrace []string // options for trace there
	Cluster   Cluster
	Metrics   *Metrics
	Log       *slog.Logger
}

// Bounds of what is accepted.
const (
	maxReview    = 4 << 20         // bytes; etcd takes objects of 1.5 MiB, a review has two
	maxWait      = 9 * time.Second // below the longest that manifests ask the API server to wait
	waitFraction = 0.9             // of what the API server says that it waits
)

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if r.Method != http.MethodPost {
		http.Error(w, "admission reviews are posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var review admission.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil || review.Request == nil {
		http.Error(w, "the body is no AdmissionReview of admission.k8s.io/v1", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait(r))
	defer cancel()
	response, outcome := h.review(ctx, review.Request)
	h.Metrics.observe(resource(review.Request), outcome, time.Since(start))
	w.Header().Set("Content-Type", "application/json")
	err = json.NewEncoder(w).Encode(admission.AdmissionReview{
		TypeMeta: meta.TypeMeta{APIVersion: admission.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Response: response,
	})
	if err != nil {
		h.Log.Warn("the answer could not be sent", "error", err)
	}
}

// wait is how long an answer may take: a little less than the API server waits for it,
// which it says in the request (k8s.io/apiserver, admission/plugin/webhook).
func wait(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || d <= 0 || d > maxWait {
		return maxWait
	}
	return time.Duration(float64(d) * waitFraction)
}

// resource names what a review is about, as metrics show it.
func resource(r *admission.AdmissionRequest) string {
	switch r.SubResource {
	case "":
		return "pods"
	case "ephemeralcontainers", "exec":
		return "pods/" + r.SubResource
	}
	return "other"
}

// An outcome is what became of a review, as metrics show it.
type outcome string

const (
	patched outcome = "patched"
	skipped outcome = "skipped"
	failed  outcome = "failed"
)

// admit is the answer that changes nothing.
func admit(r *admission.AdmissionRequest) *admission.AdmissionResponse {
	return &admission.AdmissionResponse{UID: r.UID, Allowed: true}
}

// fail admits what could not be dealt with, and says so to the user and in the log.
func (h *Handler) fail(r *admission.AdmissionRequest, err error) (*admission.AdmissionResponse, outcome) {
	h.Log.Error("a request was admitted as it is", "namespace", r.Namespace, "name", r.Name, "resource", resource(r), "error", err)
	a := admit(r)
	a.Warnings = []string{fmt.Sprintf("lanner: not traced: %v", err)}
	return a, failed
}
