package corpora

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// writeDatabase writes a dump as pg_dump does.
func writeDatabase(w io.Writer, size int64) error {
	d, out := newDice(1), &counted{w: w}
	b := bufio.NewWriter(out)
	fmt.Fprint(b, "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n\n")
	tables := []struct {
		head string
		row  func(i int) string
	}{
		{"public.people (id, uuid, email, name, password, created_at)", func(i int) string {
			name := d.word() + "." + d.word()
			return fmt.Sprintf("%d\t%s\t%s%d@example.org\t%s\tpbkdf2_sha256$600000$%s\t%s", i, d.uuid(), name, d.IntN(100), strings.ReplaceAll(name, ".", " "), d.hex(24), stamp(d))
		}},
		{"public.orders (id, person_id, state, total, currency, note, created_at, paid_at)", func(i int) string {
			paid := `\N`
			if d.IntN(3) > 0 {
				paid = stamp(d)
			}
			return fmt.Sprintf("%d\t%d\t%s\t%d.%02d\tEUR\t%s\t%s\t%s", i, d.IntN(50_000), pick(d, "open", "paid", "sent", "returned"), d.IntN(900), d.IntN(100), d.text(d.IntN(8)), stamp(d), paid)
		}},
		{"public.events (id, kind, payload, created_at)", func(i int) string {
			return fmt.Sprintf(`%d	%s	{"user": %d, "item": {"id": %d, "name": "%s"}, "amount": %d, "source": "%s", "ok": %v}	%s`,
				i, pick(d, "created", "updated", "viewed", "deleted", "exported"), d.IntN(50_000), d.IntN(9000), d.text(2), d.IntN(100), pick(d, "web", "app", "import"), d.IntN(20) > 0, stamp(d))
		}},
		{"public.stock (item_id, place, quantity, counted_at)", func(i int) string {
			return fmt.Sprintf("%d\t%c%02d-%d\t%d\t%s", i, 'A'+rune(d.IntN(12)), d.IntN(40), d.IntN(8), d.IntN(500), stamp(d))
		}},
	}
	for round := int64(1); round <= int64(len(tables)); round++ {
		table := tables[round-1]
		fmt.Fprintf(b, "COPY %s FROM stdin;\n", table.head)
		for i := 1; out.n+int64(b.Buffered()) < size*round/int64(len(tables)); i++ {
			fmt.Fprintln(b, table.row(i))
		}
		fmt.Fprint(b, "\\.\n\n")
	}
	fmt.Fprint(b, "--\n-- PostgreSQL database dump complete\n--\n")
	return b.Flush()
}

// stamp is a time as a dump has it.
func stamp(d *dice) string {
	return d.later(90 * time.Second).Format("2006-01-02 15:04:05.000000-07")
}

func pick(d *dice, choices ...string) string { return choices[d.IntN(len(choices))] }

// writeLogs writes the lines of four containers, mixed.
func writeLogs(w io.Writer, size int64) error {
	d, out := newDice(2), &counted{w: w}
	b := bufio.NewWriter(out)
	agents := []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1", "curl/8.11.0", "Prometheus/3.0.0"}
	line := func(stream, text string) {
		fmt.Fprintf(b, "{\"log\":%q,\"stream\":\"%s\",\"time\":\"%s\"}\n", text+"\n", stream, d.later(300*time.Millisecond).Format(time.RFC3339Nano))
	}
	for out.n+int64(b.Buffered()) < size {
		path := "/api/" + pick(d, "orders", "people", "stock", "events") + "/" + fmt.Sprint(d.IntN(40_000))
		switch kind := d.IntN(100); {
		case kind < 45:
			line("stdout", fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %s %d "-" "%s" %d.%03d`, d.address(), d.now.Format("02/Jan/2006:15:04:05 -0700"),
				pick(d, "GET", "GET", "GET", "POST", "PATCH"), path, pick(d, "200", "200", "200", "304", "404", "500"), d.IntN(30_000), agents[d.IntN(4)], d.IntN(2), d.IntN(1000)))
		case kind < 75:
			line("stderr", fmt.Sprintf("%s INFO  app.views request=%s user=%d path=%s ms=%d", d.now.Format("2006-01-02 15:04:05,000"), d.uuid(), d.IntN(50_000), path, d.IntN(900)))
		case kind < 85:
			line("stderr", fmt.Sprintf("%s UTC [%d] LOG:  duration: %d.%03d ms  statement: SELECT id, %s FROM %s WHERE id = %d", d.now.Format("2006-01-02 15:04:05.000"),
				30+d.IntN(90), d.IntN(3000), d.IntN(1000), d.word(), pick(d, "orders", "people"), d.IntN(50_000)))
		case kind < 97:
			line("stdout", fmt.Sprintf("[%s: INFO/ForkPoolWorker-%d] Task app.tasks.%s[%s] succeeded in %d.%06ds: None", d.now.Format("2006-01-02 15:04:05,000"),
				1+d.IntN(8), pick(d, "send_mail", "count_stock", "export"), d.uuid(), d.IntN(9), d.IntN(1_000_000)))
		default:
			line("stderr", "Traceback (most recent call last):")
			for range 3 + d.IntN(6) {
				line("stderr", fmt.Sprintf("  File \"/srv/app/%s/%s.py\", line %d, in %s", d.word(), d.word(), d.IntN(700), d.word()))
			}
			line("stderr", "ValueError: "+d.text(5))
		}
	}
	return b.Flush()
}

// writeConfiguration writes the files of one machine after the other.
func writeConfiguration(w io.Writer, size int64) error {
	d := newDice(3)
	return writeTar(w, size, func(i int) (string, []byte) {
		machine, name := fmt.Sprintf("vm%03d", i/5), d.word()
		port := 1024 + d.IntN(60_000)
		switch i % 5 {
		case 0:
			return machine + "/compose.yaml", []byte(compose(d))
		case 1:
			return machine + "/nginx/" + name + ".conf", fmt.Appendf(nil, "server {\n  listen 443 ssl;\n  server_name %s.%s.example.org;\n  ssl_certificate /etc/ssl/%s.pem;\n\n  location /%s {\n    proxy_pass http://%s:%d;\n    proxy_read_timeout %ds;\n    client_max_body_size %dm;\n  }\n}\n",
				name, machine, name, d.word(), d.address(), port, 10+d.IntN(90), 1+d.IntN(64))
		case 2:
			return machine + "/.env", fmt.Appendf(nil, "# %s\nDATABASE_URL=postgres://%s:%s@%s:%d/%s\nSECRET_KEY=%s\nAPI_TOKEN=%s\nDEBUG=%v\nALLOWED_HOSTS=%s.example.org\n",
				d.text(6), name, d.hex(24), d.address(), port, d.word(), d.hex(50), d.uuid(), d.IntN(2) == 0, name)
		case 3:
			return machine + "/systemd/" + name + ".service", fmt.Appendf(nil, "[Unit]\nDescription=%s\nAfter=network-online.target %s.service\n\n[Service]\nExecStart=/usr/local/bin/%s --port %d --workers %d\nUser=%s\nRestart=on-failure\nRestartSec=%ds\nMemoryMax=%dM\n\n[Install]\nWantedBy=multi-user.target\n",
				d.text(5), d.word(), name, port, 1+d.IntN(9), d.word(), 1+d.IntN(60), 64*(1+d.IntN(32)))
		default:
			var b strings.Builder
			b.WriteString("groups:\n- name: " + name + "\n  rules:\n")
			for range 2 + d.IntN(5) {
				fmt.Fprintf(&b, "  - alert: %s\n    expr: rate(%s_%s_total{job=%q}[%dm]) > %d\n    for: %dm\n    annotations:\n      summary: %s\n", d.word(), d.word(), d.word(), d.word(), 1+d.IntN(30), d.IntN(100), 1+d.IntN(30), d.text(7))
			}
			return machine + "/rules/" + name + ".yaml", []byte(b.String())
		}
	})
}

// compose is a compose file.
func compose(d *dice) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for range 2 + d.IntN(6) {
		name := d.word()
		fmt.Fprintf(&b, "  %s:\n    image: registry.example.org/%s:%d.%d.%d@sha256:%s\n    restart: unless-stopped\n    ports: [\"127.0.0.1:%d:%d\"]\n    environment:\n      %s: %s\n      %s: \"%d\"\n    volumes:\n    - %s:/var/lib/%s\n",
			name, name, d.IntN(9), d.IntN(20), d.IntN(20), d.hex(64), 1024+d.IntN(60_000), 80+d.IntN(9000), strings.ToUpper(d.word()), d.word(), strings.ToUpper(d.word()), d.IntN(1000), d.word(), name)
	}
	return b.String()
}

// writeCode writes the Go files below a folder, as many as there is room for.
func writeCode(w io.Writer, folder string, size int64) error {
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	total, have := size, int64(0)
	contents := make(map[string][]byte)
	for i, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		contents[path] = data
		if have += int64(len(data)) + 1024; have >= total {
			files = files[:i+1]
			break
		}
	}
	return writeTar(w, min(size, have-1), func(i int) (string, []byte) {
		path := files[i%len(files)]
		return strings.TrimPrefix(path, folder+"/"), contents[path]
	})
}
