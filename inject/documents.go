package inject

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// Documents has documents edited, and joins what comes of them. edit edits the tree of
// one and says what became of its workloads; a document that is written in a way that
// can't be edited stays as it was, with a result of that name.
func Documents(docs []*document.Document, name func(*yaml.Node) string, edit func(*yaml.Node) []Result) ([]byte, []Result) {
	var all []Result
	var out strings.Builder
	for _, d := range docs {
		results := edit(d.Root)
		text, err := d.Text()
		if err != nil {
			results = []Result{{Workload: name(d.Root), Action: Skipped, Reason: err.Error()}}
			text = d.Original()
		}
		all = append(all, results...)
		out.WriteString(text)
	}
	return []byte(out.String()), all
}

// Unnamed is a name for documents that have none.
func Unnamed(*yaml.Node) string { return "document" }
