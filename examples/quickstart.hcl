# Backs up this repository's own docs/ and examples/ to two local folders, with different profiles and retentions.
#   go run ./cmd/imsctl apply -auto-approve examples/quickstart.hcl

imsctl {
  required_version = ">= 0.1.0"

  state "local" {
    path = ".imsctl/quickstart.json" # beside this file
  }
}

source "files" "docs" {
  path = "../docs"
}

source "files" "examples" {
  path    = "."
  exclude = [".imsctl", "backups"]
}

retention "week" {
  keep_within = "7d"
  keep_last   = 3 # never fewer, whatever their age
}

retention "month" {
  keep_within = "30d"
}

destination "local" "near" {
  path      = "backups/near"
  retention = retention.week
}

destination "local" "far" {
  path      = "backups/far"
  retention = retention.month
}

compression "small" {
  method = "zstd"
  level  = 9
}

backup "docs" {
  source      = source.files.docs
  compression = compression.small
  to          = [destination.local.near, destination.local.far]
  every       = "24h"
  min_copies  = 2
}

backup "examples" {
  source      = source.files.examples
  compression = compression.maximum
  to          = [destination.local.near, destination.local.far]
  schedule    = "0 2 * * *"
}
