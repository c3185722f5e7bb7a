package eventtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// A statement is one line that a case writes: JSON, so that C can print it.
//
//	{"event":"CloseX","tid":42,"params":{"res":-9,"fd":77},"what":"a closed one"}
//
// Values are
//
//	7, -7              an integer, in the width of its parameter
//	"abc"              a string and its NUL
//	null               nothing: length 0
//	{"hex":"0aff"}     bytes
//	{"names":"A|B"}    flags by their names in the parameter's table
//	{"any":true}       anything
//	{"nonzero":true}   an integer that is not 0
//	{"min":7}          an integer from 7 on
//	{"max":7}          an integer up to 7
//	{"between":[3,7]}  an integer from 3 to 7
//	{"prefix":"abc"}   a string or bytes that start so
//	{"has":"abc"}      bytes that hold it
//	{"var":"a"}        an identity: the same wherever "a" is stated, and nowhere else
//	{"unix":["a","b","/path"]}  a tuple of a Unix socket: two identities ("0": none), a path
//	{"dyn":[1,"abc"]}  index and value of a dynamic parameter
//	{"oneof":[v,w]}    one of several
type statement struct {
	Event   string                     `json:"event"` // Ident of the exit event's row, or of a tracepoint's
	TID     int64                      `json:"tid"`
	Params  map[string]json.RawMessage `json:"params"`
	Enter   map[string]json.RawMessage `json:"enter,omitempty"`   // what differs in the enter event
	NoEnter bool                       `json:"noenter,omitempty"` // there is no enter event
	NoExit  bool                       `json:"noexit,omitempty"`  // only the enter event is stated
	Drops   bool                       `json:"drops,omitempty"`   // a driver with Drops sends no exit event
	Maybe   bool                       `json:"maybe,omitempty"`   // some drivers send nothing
	Call    string                     `json:"call,omitempty"`    // the system call, where an event has several
	What    string                     `json:"what,omitempty"`    // for messages

	Skip string `json:"skip,omitempty"` // the machine lacks what the case needs
	Fail string `json:"fail,omitempty"` // the case itself went wrong
	Done bool   `json:"done,omitempty"` // the case came to its end

	Strict bool `json:"strict,omitempty"` // nothing but the case makes calls, see ofRuntime
}

// The file that statements are written to: the offset of its end, then lines.
// Cases map it, so it has its full size from the start.
const (
	outputSize = 4 << 20
	outputHead = 8
)

func newOutput(name string) (string, error) {
	head := le.AppendUint64(nil, outputHead)
	if err := os.WriteFile(name, head, 0o666); err != nil {
		return "", err
	}
	if err := os.Chmod(name, 0o666); err != nil { // whatever umask is: cases change their ids
		return "", err
	}
	return name, os.Truncate(name, outputSize)
}

func readStatements(name string) (list []*statement, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var head [outputHead]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	end := le.Uint64(head[:])
	if end < outputHead || end > outputSize {
		return nil, fmt.Errorf("statements of %d bytes do not fit into %d", end, outputSize)
	}
	text := make([]byte, end-outputHead) // most of the file is empty
	if _, err := io.ReadFull(f, text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for line := range bytes.Lines(text) {
		s := new(statement)
		if err := json.Unmarshal(line, s); err != nil {
			return nil, fmt.Errorf("statement %s: %w", line, err)
		}
		list = append(list, s)
	}
	return list, nil
}
