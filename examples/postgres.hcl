# A PostgreSQL database and the application's folder: a dump every night, the files every week, each with two copies.
#   DATABASE_URL=postgres://… imsctl plan examples/postgres.hcl

imsctl {
  required_version = ">= 0.1.0"
  timezone         = "America/Sao_Paulo"

  state "local" {
    path = ".imsctl/postgres.json"
  }
}

variable "database_url" {
  type      = string
  default   = "postgres://ims@localhost:5432/ims"
  sensitive = true
}

locals {
  root = env("IMS_BACKUPS", "/var/backups/ims")
}

source "postgres" "ims" {
  url           = var.database_url
  clean         = true
  if_exists     = true
  no_privileges = true
}

source "files" "application" {
  path    = "/srv/ims"
  exclude = [".git", "node_modules", "*.pyc"]
}

compression "database" {
  method = "zstd"
}

retention "daily" {
  keep_last    = 3
  keep_daily   = 7
  keep_weekly  = 4
  keep_monthly = 12
  max_deletes  = 5
}

retention "week" {
  keep_within = "7d"
  keep_last   = 2
}

destination "local" "archive" {
  path      = "${local.root}/archive"
  retention = retention.daily
}

destination "local" "nearby" {
  path      = "${local.root}/nearby"
  retention = retention.week
}

backup "database" {
  source      = source.postgres.ims
  compression = compression.database
  to          = [destination.local.nearby, destination.local.archive]
  schedule    = "0 2 * * *"
  min_copies  = 2
}

backup "application" {
  source      = source.files.application
  compression = compression.balanced
  to          = [destination.local.nearby, destination.local.archive]
  every       = "7d"
}
