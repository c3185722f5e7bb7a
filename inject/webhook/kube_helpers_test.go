package webhook_test

import (
	"encoding/pem"
	"net/http/httptest"
)

// certificatePEM is the certificate of a test's server.
func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
