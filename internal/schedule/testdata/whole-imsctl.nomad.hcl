# nomad job run eu-1.nomad.hcl, after:
#
#   nomad var put nomad/jobs/eu-1 DATABASE_URL=… IMS_VAR_secret=…
#   REGION may be put there too
job "eu-1" {
  type = "batch"

  periodic {
    # Every 10 minutes: backup.database is due every 2h. A run does what is due and nothing else.
    crons            = ["*/10 * * * *"]
    time_zone        = "UTC"
    prohibit_overlap = true
  }

  group "imsctl" {
    # The state is a file beside the specification, and so all runs belong to one node: name it.
    # constraint {
    #   attribute = "${node.unique.name}"
    #   value     = "…"
    # }

    # The next run tries again. A degraded one (exit code 3: min_copies is met, copies are missing) counts as failed here.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "imsctl" {
      # What backs a machine up must see it: raw_exec has to be enabled on the client.
      driver       = "raw_exec"
      kill_timeout = "60s"

      config {
        command = "/opt/50% off/imsctl"
        args    = ["apply", "-auto-approve", "-input=false", "-lock-timeout=10m", "-target=backup.trees[\"it's 100% $HOME $(x) $${{ y }}\"]", "-target=backup.database", "/srv/it's 100% \"mine\" $HOME $${x}"]
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/imsctl.env"
        env         = true
        change_mode = "noop"
        data        = <<-EOT
          {{- with nomadVar "nomad/jobs/eu-1" }}{{ range .Tuples }}
          {{ .K }}={{ .V | toJSON }}
          {{- end }}{{ end }}
        EOT
      }
    }
  }
}
