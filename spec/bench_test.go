package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/spec"
)

// manyBackups is a specification of n sources and n backups of them, with what they share.
func manyBackups(n int) string {
	var text strings.Builder
	text.WriteString(`variable "root" {
  type    = string
  default = "/srv"
}
locals {
  exclude = ["*.tmp", ".git"]
}
retention "week" {
  keep_within = "7d"
}
destination "local" "near" {
  path      = "/var/backups/near"
  retention = retention.week
}
destination "local" "far" {
  path = "/var/backups/far"
}
`)
	for i := range n {
		fmt.Fprintf(&text, `source "files" "s%d" {
  path    = "${var.root}/s%d"
  exclude = local.exclude
}
backup "b%d" {
  source      = source.files.s%d
  compression = compression.fast
  to          = [destination.local.near, destination.local.far]
  every       = "24h"
  min_copies  = 2
}
`, i, i, i, i)
	}
	return text.String()
}

// The time per backup must not grow with their number.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 5000, 20000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "many.hcl")
			text := manyBackups(n)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				loaded, diagnostics := spec.Load(path, options(b))
				if diagnostics.HasErrors() || len(loaded.Backups) != n {
					b.Fatal(diagnostics.List)
				}
			}
		})
	}
}
