package plugin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

func TestParseConfig(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", " \n", "{}", `{"profile":"current","socket_access":"owner"}`} {
		c, err := ParseConfig(text)
		if err != nil || c.profile != spec.Current || c.mode != 0o600 || c.token != nil {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	for _, profile := range []string{`"0.36"`, `0.36`} {
		c, err := ParseConfig(`{"profile":` + profile + `,"socket_access":"group","token_file":"` + token + `"}`)
		if err != nil || c.profile != spec.V036 || c.mode != 0o660 || c.token == nil {
			t.Errorf("%+v, %v", c, err)
		}
	}
	for text, want := range map[string]string{
		`[]`: "not the object", `{`: "not the object", `{} {}`: "more behind it", `x`: "not the object",
		`{"profil":"current"}`:          `unknown field "profil"`,
		`{"profile":7}`:                 `unknown profile "7"`,
		`{"profile":"0.35"}`:            `unknown profile "0.35"`,
		`{"socket_access":"0400"}`:      `unknown socket_access "0400"`,
		`{"socket_access":{}}`:          "not the object",
		`{"token_file":"/no/such/dir"}`: "/no/such/dir",
	} {
		if _, err := ParseConfig(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", text, err, want)
		}
	}
}

// TestSchema: the schema has the settings that there are, no others.
func TestSchema(t *testing.T) {
	var schema struct {
		Properties map[string]struct {
			Type, Description string
			Enum              []any
		}
	}
	if err := json.Unmarshal([]byte(Schema), &schema); err != nil {
		t.Fatal(err)
	}
	for _, a := range schema.Properties["socket_access"].Enum {
		if _, err := ParseConfig(`{"socket_access":"` + a.(string) + `"}`); err != nil {
			t.Error(err)
		}
	}
	var fields []string
	for f := range reflect.TypeFor[settings]().Fields() {
		fields = append(fields, f.Tag.Get("json"))
	}
	var names []string
	for name, p := range schema.Properties {
		names = append(names, name)
		if p.Type != "string" && len(p.Enum) == 0 || p.Description == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	slices.Sort(fields)
	slices.Sort(names)
	if !slices.Equal(fields, names) {
		t.Errorf("the schema has %v, the settings are %v", names, fields)
	}
	var params []struct{ Value, Desc string }
	if err := json.Unmarshal([]byte(OpenParams), &params); err != nil || len(params) == 0 || params[0].Value != DefaultParams {
		t.Errorf("open parameters %v, %v", params, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(`{"profile":"0.36","socket_access":"group"}`)
	f.Add(`{"token_file":"/dev/zero"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseConfig(text); (c == nil) == (err == nil) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
