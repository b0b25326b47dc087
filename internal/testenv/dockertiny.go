package testenv

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Tiny is the name of an image that every engine of testenv has: busybox with all its programs, from sh to httpd. By itself it
// waits and ends when it is asked to.
const Tiny = "imsctl/tiny:latest"

// importTiny makes the image.
func (d *DockerServer) importTiny(ctx context.Context) error {
	files, err := tinyFiles(ctx)
	if err != nil {
		return fmt.Errorf("the image %s: %w", Tiny, err)
	}
	command := d.Command(ctx, "import", "--change", `CMD ["sh", "-c", "trap exit TERM INT; sleep 1000000000 & wait"]`, "-", Tiny)
	command.Stdin = bytes.NewReader(files)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the image %s: %w: %s", Tiny, err, output)
	}
	return nil
}

// tinyFiles is the root of the image as a tar archive.
func tinyFiles(ctx context.Context) ([]byte, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	const password = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
	headers := []tar.Header{
		{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(program))},
		{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(password))},
		{Name: "root/", Typeflag: tar.TypeDir, Mode: 0o700},
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
	}
	for _, name := range strings.Fields(string(list)) {
		if name != "busybox" {
			headers = append(headers, tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777})
		}
	}
	contents := map[string][]byte{"bin/busybox": program, "etc/passwd": []byte(password)}
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, header := range headers {
		if err := writer.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(contents[header.Name]); err != nil {
			return nil, err
		}
	}
	return archive.Bytes(), writer.Close()
}
