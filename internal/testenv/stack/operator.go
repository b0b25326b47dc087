package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// writeOperator fills the operator's folder: the example of the whole system, what is different here as variables, and programs
// that work with the stack, wherever they are called from: imsctl, which is that program, and ssh.
func (s *Stack) writeOperator(program string) error {
	if err := os.MkdirAll(filepath.Join(s.Operator, "bin"), 0o755); err != nil {
		return err
	}
	_, file, _, _ := runtime.Caller(0)
	example, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "..", "examples", "ims.hcl"))
	if err != nil {
		return fmt.Errorf("the specification of the stack: %w", err)
	}
	variables := fmt.Sprintf(`# What is another than in the real system.
vm           = { address = "127.0.0.1", port = %d, user = %q }
gcs_endpoint = %q
azure        = { account = %q, endpoint = %q }
azure_key    = %q
dev_backups  = %q
services     = { django = %d }
`, s.SSH.Port, s.SSH.User, s.GCS, s.Azure.Account, s.Azure.Endpoint, s.Azure.Key, filepath.Join(s.Operator, "backups"), s.WebPort)
	imsctl := "#!/bin/sh\n"
	for _, variable := range s.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		imsctl += "export " + name + "=" + quote(value) + "\n"
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return err
	}
	files := map[string]string{
		"ims.hcl":             patient(string(example)),
		"stack.auto.vars.hcl": variables,
		"bin/ssh":             "#!/bin/sh\nexec " + quote(ssh) + " -F " + quote(filepath.Join(s.SSH.Home, ".ssh", "config")) + " \"$@\"\n",
		"bin/imsctl":          imsctl + "exec " + quote(program) + " \"$@\"\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.Operator, name), []byte(content), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// patient gives the checks of a specification all the time that a busy machine may take: what runs is well, however slow it is here.
func patient(specification string) string {
	specification = strings.ReplaceAll(specification, `max_latency  = "2s"`, `max_latency  = "10m"`)
	specification = strings.ReplaceAll(specification, `max_latency = "2s"`, `max_latency = "10m"`)
	return regexp.MustCompile(`(?m)^check .*{$`).ReplaceAllString(specification, "$0\n  timeout = \"10m\"")
}

// quote makes a text one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Environment is what imsctl needs in its own, beside what the specification's variables say. HOME is that of a user whose ~/.ssh knows the machine.
func (s *Stack) Environment() []string {
	return []string{
		"HOME=" + s.SSH.Home,
		"IMS_DRILL_URL=" + s.Scratch.URL("postgres"),
		"OPS_WEBHOOK=http://127.0.0.1:9/",
	}
}
