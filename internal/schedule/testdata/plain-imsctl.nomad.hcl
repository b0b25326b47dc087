# nomad job run imsctl.nomad.hcl
job "imsctl" {
  type = "batch"

  periodic {
    # Every hour: the longest step there is: no backup and no drill is due again and again. A run does what is due and nothing else.
    crons            = ["0 * * * *"]
    time_zone        = "UTC"
    prohibit_overlap = true
  }

  group "imsctl" {
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
        command = "/usr/local/bin/imsctl"
        args    = ["apply", "-auto-approve", "-input=false", "-lock-timeout=10m", "/srv/ims.hcl"]
      }
    }
  }
}
