// Package plugin is what the Falco plugin does, without the C around it: it receives
// tracers' streams and hands out their events in batches.
//
// In a nutshell: ParseConfig reads what Falco was configured with, Open listens, Next
// returns the events that have come in, as bytes of the contract one behind the other.
//
//	tracers -> stream.Server -> Source.receive -> a batch of two -> Next -> the host
//
// Falco takes nothing but events, so what a tracer says there was before its first one
// is told by events as well (stream.Introduce).
//
// Goroutines: one receives and fills a batch while the host has the other; when it is
// full, it waits, and with it the tracers. Next belongs to one thread at a time; the
// other methods to any. cmd/falcoplugin has the exports.
package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Name is what Falco's configuration calls the plugin.
const Name = "lanner"

// Schema is the JSON schema of the init configuration; its properties are the fields of
// settings.
const Schema = `{
  "$schema": "http://json-schema.org/draft-04/schema#",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "profile": {
      "enum": ["current", "0.36", 0.36],
      "description": "edition of the events that this host reads and tracers must send: current for Falco 0.42 and later, 0.36 for Falco 0.36 to 0.41 (default: current)"
    },
    "socket_access": {
      "enum": ["owner", "group", "all"],
      "description": "who may connect to a Unix socket: its owner, its group as well, or everybody (default: owner)"
    },
    "token_file": {
      "type": "string",
      "description": "file with a secret that tracers know too; connections are then encrypted. A must for addresses beyond this machine"
    }
  }
}`

// DefaultParams is where the plugin listens if nothing is said.
const DefaultParams = "unix:/run/lanner.sock"

// OpenParams suggests open parameters, as the API has them: a JSON array.
const OpenParams = `[
  {"value": "` + DefaultParams + `", "desc": "a Unix socket for tracers of this machine: trace -w ` + DefaultParams + ` COMMAND"},
  {"value": "tcp:127.0.0.1:7070", "desc": "a TCP port for tracers of this machine, or of the same pod"}
]`

// A Config says how to receive.
type Config struct {
	profile spec.Profile
	mode    fs.FileMode
	token   *stream.Token
}

// settings are the init configuration as it is written.
type settings struct {
	Profile      word   `json:"profile"`
	SocketAccess word   `json:"socket_access"`
	TokenFile    string `json:"token_file"`
}

// A word is a string, or a number as it is written: hosts make numbers of what is quoted
// in YAML.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var n json.Number // takes strings too if a number is in them
	if json.Unmarshal(b, &n) == nil {
		*w = word(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(w))
}

// access says what a Unix socket permits.
var access = map[word]fs.FileMode{"owner": 0o600, "group": 0o660, "all": 0o666}

// ParseConfig reads the init configuration: a JSON object, or nothing.
func ParseConfig(text string) (*Config, error) {
	s := settings{Profile: "current", SocketAccess: "owner"}
	if strings.TrimSpace(text) != "" {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		err := d.Decode(&s)
		if err == nil && d.Decode(new(any)) != io.EOF {
			err = errors.New("there is more behind it")
		}
		if err != nil {
			return nil, fmt.Errorf("init_config is not the object that is wanted: %s", strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	c := new(Config)
	switch s.Profile {
	case "current":
		c.profile = spec.Current
	case "0.36":
		c.profile = spec.V036
	default:
		return nil, fmt.Errorf("init_config: unknown profile %q: current or 0.36", s.Profile)
	}
	var ok bool
	if c.mode, ok = access[s.SocketAccess]; !ok {
		return nil, fmt.Errorf("init_config: unknown socket_access %q: owner, group or all", s.SocketAccess)
	}
	if s.TokenFile != "" {
		var err error
		if c.token, err = stream.ReadToken(s.TokenFile); err != nil {
			return nil, fmt.Errorf("init_config: %w", err)
		}
	}
	return c, nil
}
