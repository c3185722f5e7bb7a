package compose

import (
	"strings"

	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A command is a service's entrypoint or command.
type command struct {
	node  *yaml.Node // as it stands in the file; nil: it does not, and the image's holds
	words []string   // nil as in inject.Start; of a string, as Compose splits it before it puts variables in
	text  bool       // it is a string
	bad   string     // why it can't be read, "" if it can
}

// read reads an entrypoint or a command.
func (s *service) read(key string) command {
	c := command{node: document.Get(s.node, key)}
	switch {
	case c.node == nil:
	case c.node.ShortTag() == "!reset":
		c.bad = "its " + key + " is reset"
	case c.node.Kind == yaml.ScalarNode:
		c.text = true
		words, err := shellwords.Parse(c.node.Value)
		if err != nil {
			c.bad = "its " + key + " can't be split into words"
		}
		c.words = append([]string{}, words...)
	default:
		words, ok := document.Strings(c.node)
		if !ok {
			c.bad = "its " + key + " is neither a string nor a list of strings"
		}
		c.words = append([]string{}, words...)
	}
	return c
}

// unwrap makes a command what it was before us, with trace in dir.
func (c *command) unwrap(dir string) (was bool) {
	if dir == "" || c.bad != "" || !inject.Wrapped(c.words, dir) {
		return false
	}
	c.words = inject.Unwrap(c.words)
	if c.words == nil {
		*c = command{}
		return true
	}
	n := *c.node
	if c.text {
		n.Value = rest(n.Value)
	} else {
		n.Content = n.Content[len(n.Content)-len(c.words):]
	}
	c.node = &n
	return true
}

// wrapped is the node of a command of which fresh are the words that come before its
// own, which stay as they are written.
func (c *command) wrapped(fresh []string) *yaml.Node {
	switch {
	case c.node == nil:
		return document.List(true, fresh...)
	case c.text:
		n := *c.node
		var quoted []string
		for _, w := range fresh {
			quoted = append(quoted, quote(w))
		}
		n.Value = strings.TrimRight(strings.Join(quoted, " ")+" "+strings.TrimLeft(c.node.Value, " \t\r\n"), " ")
		return &n
	case len(c.node.Content) == 0:
		n := *c.node
		n.Content = document.List(true, fresh...).Content
		return &n
	}
	return document.Like(c.node, append(document.List(true, fresh...).Content, c.node.Content...))
}

// quote writes a word so that Compose splits it off as it is.
func quote(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:@%+$"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// rest is what stands behind our words in a string, after the first -- that is a word.
func rest(text string) string {
	for at := 0; ; {
		i := strings.Index(text[at:], "--")
		if i < 0 {
			return ""
		}
		at += i + 2
		words, err := shellwords.Parse(text[:at])
		if err == nil && len(words) > 0 && words[len(words)-1] == "--" && (at == len(text) || text[at] == ' ') {
			return strings.TrimPrefix(text[at:], " ")
		}
	}
}
