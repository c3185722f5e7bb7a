package document

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// edit parses one document, edits it, and returns its text.
func edit(t *testing.T, text string, f func(root *yaml.Node)) string {
	t.Helper()
	docs, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if d.Root != nil {
			f(d.Root)
		}
	}
	out, err := Join(docs)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestPatch: what is not touched stays byte for byte.
func TestPatch(t *testing.T) {
	prepend := func(r *yaml.Node) {
		list := Edit(r, "list")
		list.Content = append([]*yaml.Node{String("new")}, list.Content...)
	}
	add := func(r *yaml.Node) { Set(Edit(r, "a"), "k", String("v")) }
	for _, c := range []struct {
		name, in, want string
		edit           func(*yaml.Node)
	}{
		{"a pair behind another", "a:\n    x:   1 # one\n\n    y: 2\n# end\n", "a:\n    x:   1 # one\n    k: v\n\n    y: 2\n# end\n",
			func(r *yaml.Node) { Set(Edit(r, "a"), "k", String("v"), "x") }},
		{"a pair at the end", "a:\n  x: 1\n\n# b\nb: 2\n", "a:\n  x: 1\n  k: v\n\n# b\nb: 2\n", add},
		{"behind a block scalar", "a:\n  x: |\n    one\n    # not a comment\n\nb: 2\n", "a:\n  x: |\n    one\n    # not a comment\n  k: v\n\nb: 2\n", add},
		{"no end of line", "a:\n  x: 1", "a:\n  x: 1\n  k: v\n", add},
		{"CRLF", "a:\r\n  x: 1\r\nb: 2\r\n", "a:\r\n  x: 1\r\n  k: v\r\nb: 2\r\n", add},
		{"an item before the first", "list:\n# head\n- one # 1\n\n- two\n", "list:\n- new\n# head\n- one # 1\n\n- two\n", prepend},
		{"an indented sequence", "list:\n   -  one\n   -  two\n", "list:\n   - new\n   -  one\n   -  two\n", prepend},
		{"a flow sequence", "x: 1   # odd\nlist: [ \"one\" ]\ny:  2\n", "x: 1   # odd\nlist: [new, \"one\"]\ny:  2\n", prepend},
		{"an empty list", "list: []\ny:  2\n", "list: [new]\ny:  2\n", prepend},
		{"an alias", "b: &b\n- one\nlist: *b\ny:   2\n", "b: &b\n- one\nlist:\n- new\n- one\ny:   2\n", prepend},
		{"a merge key", "b: &b\n  list: [one]\n<<: *b\ny:   2\n", "b: &b\n  list: [one]\n<<: *b\ny:   2\nlist: [new, one]\n", prepend},
		{"an item's first pair", "a:\n- x: [1]\n  y:   2\n", "a:\n- x: [1, 2]\n  y:   2\n",
			func(r *yaml.Node) {
				x := Edit(EditItems(Edit(r, "a"))[0], "x")
				x.Content = append(x.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "2"})
			}},
		{"pairs and items away", "a:\n  x: 1\n  y:   2\nlist:\n- one\n- two   # 2\n- three\n", "a:\n  x: 1\nlist:\n- one\n- three\n",
			func(r *yaml.Node) {
				Remove(Edit(r, "a"), "y")
				list := Edit(r, "list")
				list.Content = append(list.Content[:1:1], list.Content[2])
			}},
		{"a value for nothing", "a:\n  x: 1\n  y:\nb:   2\n", "a:\n  x: 1\n  y: [new]\nb:   2\n",
			func(r *yaml.Node) { Set(Edit(r, "a"), "y", List(true, "new")) }},
		{"tags of others", "a:\n  x: !Sub '${A}'\n  y: !GetAtt\n    - a\n", "a:\n  x: !Sub '${A}'\n  y: !GetAtt\n    - a\n  k: v\n", add},
		{"other documents", "# licence\n---\nx:    {}\n---\na:\n  x: 1\n---\n\n---\nz:   3\n", "# licence\n---\nx:    {}\n---\na:\n  x: 1\n  k: v\n---\n\n---\nz:   3\n",
			func(r *yaml.Node) {
				if Get(r, "a") != nil {
					add(r)
				}
			}},
		{"flow style throughout", "{a: {x: 1}, b: 2} # c\n", "{a: {x: 1, k: v}, b: 2} # c\n", add},
		{"nothing in flow style", "a: {x: , y: ~}\nb:   2\n", "a: {x: null, y: ~, k: v}\nb:   2\n", add},
		{"JSON", "{\n    \"a\": {\"x\": 1.50, \"h\": \"<\\u00e9>\"}\n}\n", "{\n    \"a\": {\"x\": 1.50, \"h\": \"<\\u00e9>\", \"k\": \"v\"}\n}\n", add},
		{"JSON on lines", "{\n  \"x\": [1,\t2],\n  \"a\" : {\n      \"y\": {} }\n}", "{\n  \"x\": [1,\t2],\n  \"a\": {\n    \"y\": {},\n    \"k\": \"v\"\n  }\n}", add},
		{"JSON on a line", `{"a":{"x":null}}`, `{"a":{"x":null,"k":"v"}}`, add},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := edit(t, c.in, c.edit); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := edit(t, c.in, func(*yaml.Node) {}); got != c.in {
				t.Errorf("untouched text has become\n%s", got)
			}
		})
	}
}

// TestErrors: where a stream is broken.
func TestErrors(t *testing.T) {
	for in, want := range map[string]string{
		"a: 1\n---\nb: 2\nc: [1\nd: 3\n":     "line 5, column 2:",
		"a: 1\n b: 2\n":                      "line 2, column",
		"\ta: 1\n":                           "line 1, column 1:",
		"a: 1\n...\nb: 2\n":                  "without a line of ---",
		"x: *nobody\n":                       "line 1, column 4",
		"a: &a\n- b: [*a]\n":                 "line 2, column 7: the alias *a stands for something that contains it",
		"a: 1\n---\nb:\n  c: 1\n  c: 2\n":    "line 5, column 3: the key \"c\" is there twice",
		"{\n \"a\": {\"b\": 1,\n \"b\": 2}}": "line 3: the key \"b\" is there twice",
	} {
		_, err := Parse([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// TestLaughs: mappings that name one another many times are looked through once.
func TestLaughs(t *testing.T) {
	text := "a0: &a0 {k: v}\n"
	for i := range 30 {
		text += fmt.Sprintf("a%d: &a%d {<<: [*a%d, *a%d, *a%d]}\n", i+1, i+1, i, i, i)
	}
	docs, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	last := Get(docs[0].Root, "a30")
	if Text(last, "k") != "v" || Get(last, "missing") != nil {
		t.Error("wrong values")
	}
}

// FuzzEdit: text that can be read survives being left alone, and edits are in what
// comes out.
func FuzzEdit(f *testing.F) {
	for _, s := range []string{
		"a:\n  x: 1\n", "a: {x: 1}\nlist: [1, 2]\n", "a: &a\n- x: |+\n    y\n\n- *a0\n", "--- # c\na:\n - - b\n - c\n...\n",
		`{"a": [1, {"b": null}]}`, "%YAML 1.1\n---\na: !t\n  b: c\n", "? [a]\n: b\n", "a: 'x\n\n  y'\nb: \"z\\\n  z\"\n", "<<: [*x]\n", "a:\r  b: c\r",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		docs, err := Parse(in)
		if err != nil {
			return
		}
		if out, err := Join(docs); err != nil || string(out) != string(in) {
			t.Fatalf("%q has become %q, %v", in, out, err)
		}
		for _, d := range docs {
			var visit func(n *yaml.Node)
			visit = func(n *yaml.Node) {
				switch n.Kind {
				case yaml.MappingNode:
					Set(n, "lanner", List(true, "x"))
				case yaml.SequenceNode:
					n.Content = append([]*yaml.Node{String("lanner")}, n.Content...)
				}
				for _, c := range n.Content {
					visit(c)
				}
			}
			if d.Root == nil {
				continue
			}
			visit(d.Root)
			text, err := d.Text()
			if err != nil {
				continue
			}
			again, err := Parse([]byte(text))
			if err != nil {
				t.Fatalf("%q has become %q, which can't be read: %v", in, text, err)
			}
			if len(again) == 0 || !Equal(again[len(again)-1].Root, d.Root) {
				t.Fatalf("%q has become %q, which says something else", in, text)
			}
		}
	})
}
