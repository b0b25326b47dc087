package spec_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/spec"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// languageReference is the document that is kept true.
const languageReference = "../docs/language.md"

// tablePattern finds the tables of the reference, each between two marks.
var tablePattern = regexp.MustCompile(`(?s)<!-- attributes: (.*?) -->\n(.*?)<!-- end -->`)

// TestLanguageReference holds the tables of the language reference against the schema, both ways.
func TestLanguageReference(t *testing.T) {
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(languageReference)
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[string]string)
	for _, block := range spec.Schema(registry) {
		wanted[block.Name] = table(block)
	}
	text := tablePattern.ReplaceAllStringFunc(string(data), func(found string) string {
		parts := tablePattern.FindStringSubmatch(found)
		want, exists := wanted[parts[1]]
		if !exists {
			t.Errorf("the reference describes a block that does not exist: %s", parts[1])
			return found
		}
		delete(wanted, parts[1])
		if parts[2] != want && !*update {
			t.Errorf("the table of %s differs (go test ./spec -run Reference -update writes it):\n%s\nwant:\n%s", parts[1], parts[2], want)
		}
		return "<!-- attributes: " + parts[1] + " -->\n" + want + "<!-- end -->"
	})
	for name := range wanted {
		t.Errorf("the reference does not describe %s", name)
	}
	if *update {
		if err := os.WriteFile(languageReference, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// table is a block's attributes as Markdown.
func table(block spec.BlockSchema) string {
	if len(block.Attributes) == 0 {
		return "It has no attributes of its own.\n"
	}
	var text strings.Builder
	text.WriteString("| attribute | type | | meaning |\n|---|---|---|---|\n")
	for _, attribute := range block.Attributes {
		required := "optional"
		if attribute.Required {
			required = "required"
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", attribute.Name, attribute.Type, required, attribute.Doc)
	}
	return text.String()
}

// TestReferenceExamplesAreValid loads every whole specification that the reference shows.
func TestReferenceExamplesAreValid(t *testing.T) {
	data, err := os.ReadFile(languageReference)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(examples) == 0 {
		t.Fatal("no examples")
	}
	for i, example := range examples {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			if formatted, diagnostics := spec.Format([]byte(example[1]), "example"); diagnostics.HasErrors() || string(formatted) != example[1] {
				t.Errorf("%v\n%s\nwant:\n%s", diagnostics, example[1], formatted)
			}
			if !strings.Contains(example[1], "backup \"") {
				return
			}
			_, diagnostics := loadText(t, example[1], func(options *spec.Options) {
				options.Getenv = func(string) (string, bool) { return "postgres://u@localhost/db", true }
			})
			if diagnostics.HasErrors() {
				t.Errorf("%v\n%s", diagnostics.List, example[1])
			}
		})
	}
}
