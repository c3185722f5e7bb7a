package webhook

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lannerhq/lanner/inject"
)

// Metrics count what a webhook does.
type Metrics struct {
	registry   *prometheus.Registry
	reviews    *prometheus.CounterVec
	containers *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	expiry     prometheus.Gauge
}

// NewMetrics makes metrics of their own registry.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		reviews:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lanner_inject_reviews_total", Help: "Admission reviews, by resource and by what became of them."}, []string{"resource", "outcome"}),
		containers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lanner_inject_containers_total", Help: "Containers, and pods as a whole, that were wrapped or skipped."}, []string{"action"}),
		seconds:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lanner_inject_review_seconds", Help: "Time to answer an admission review.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"resource"}),
		expiry:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "lanner_inject_certificate_expiry_seconds", Help: "When the certificate in use expires, seconds since the epoch."}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lanner_inject_build_info", Help: "1, with the version."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.reviews, m.containers, m.seconds, m.expiry, info)
	return m
}

func (m *Metrics) observe(resource string, o outcome, d time.Duration) {
	m.reviews.WithLabelValues(resource, string(o)).Inc()
	m.seconds.WithLabelValues(resource).Observe(d.Seconds())
}

func (m *Metrics) results(results []inject.Result) {
	for _, r := range results {
		m.containers.WithLabelValues(string(r.Action)).Inc()
	}
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
