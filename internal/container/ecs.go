package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
)

// maxAnswer bounds the answer of ECS: bytes.
const maxAnswer = 1 << 18

// fromECS asks the agent of ECS about this container. The answer is a JSON object whose
// DockerId is the id. This is HTTP/1.0, the answer to which ends with the connection:
// net/http would make the program a quarter larger for one GET from a link-local
// address.
func fromECS(ctx context.Context, uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("%s: not an http URI", uri)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\nAccept: application/json\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil {
		return "", err
	}
	return parseECS(answer)
}

// sane is what an id may be made of.
var sane = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.-]{0,127}$`)

// Valid reports whether s may be the id of a container.
func Valid(s string) bool { return sane.MatchString(s) }

func parseECS(answer []byte) (string, error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	var status int
	if _, err := fmt.Sscanf(string(head[:min(len(head), 16)]), "HTTP/1.%d %d", new(int), &status); !ok || err != nil || status != 200 {
		return "", errors.New("no answer of status 200")
	}
	var of struct{ DockerId string }
	if err := json.Unmarshal(body, &of); err != nil {
		return "", err
	}
	if !Valid(of.DockerId) {
		return "", errors.New("no id in the answer")
	}
	return of.DockerId, nil
}
