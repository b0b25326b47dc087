package planner

import (
	"os"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestKindsArePublished holds the kinds in the published schemas against those that there are.
func TestKindsArePublished(t *testing.T) {
	data, err := os.ReadFile("../docs/schemas/common.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Kind struct {
				Enum []Kind `json:"enum"`
			} `json:"kind"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(schema.Defs.Kind.Enum, kinds[:]) {
		t.Errorf("docs/schemas/common.json has %q, the planner %q", schema.Defs.Kind.Enum, kinds)
	}
}
