package differential

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestServer is a Go server and its clients in one process; TestPrograms runs it
// under both drivers.
func TestServer(t *testing.T) {
	s := httptest.NewServer(http.FileServer(http.Dir("/etc")))
	defer s.Close()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 5 {
				r, err := http.Get(s.URL + "/hostname")
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		})
	}
	clients.Wait()
}
